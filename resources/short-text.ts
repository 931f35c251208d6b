/** Texts that are names, or options for a command: long ones are no use, and would end up in logs and reasons. */
import { z } from 'zod';

export const NameText = z.string().max(255);
export const OptionText = z.string().max(4096);
