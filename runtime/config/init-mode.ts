/** What the daemon is to the machine: its init (`embedded`, `standalone`), or a service of another init (`appengine`). */
export const INIT_MODES = ['embedded', 'standalone', 'appengine'] as const;

export type InitMode = (typeof INIT_MODES)[number];

/** Also what offline commands take for granted, which know no device. */
export const DEFAULT_INIT_MODE: InitMode = 'appengine';

/** The kernel and its modules are not the device's own: the BSP of a state is left alone. */
export const isAppengine = (mode: InitMode): boolean => mode === 'appengine';
