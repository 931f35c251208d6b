/** Content that is taken only as long as there is room for it. */
import { DeviceError } from '../../host/host.ts';
import type { Store } from '../store.ts';
import { NoRoom } from './room.ts';

/** Others write as well: room is looked for again for every such part; for content of unknown size, for every piece. */
const PART_BYTES = 4 * 1024 * 1024;
const NO_ROOM: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Whether this is said by a device that is full, or by us on its behalf. */
export const isFull = (error: unknown): boolean =>
  error instanceof NoRoom || (error instanceof DeviceError && NO_ROOM.includes(error.code));

/** Passes content on. @throws NoRoom, before the first piece when the size is known. */
export async function* whileThereIsRoom(
  store: Pick<Store, 'makeRoom'>,
  content: AsyncIterable<Uint8Array>,
  sizeBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  const needRoom = async (bytes: number): Promise<void> => {
    const { availableBytes } = await store.makeRoom(bytes);
    if (availableBytes < bytes) throw new NoRoom(bytes, availableBytes);
  };
  if (sizeBytes !== undefined) await needRoom(sizeBytes);
  let leftBytes = sizeBytes;
  let roomBytes = 0;
  for await (const piece of content) {
    if (piece.length > roomBytes) {
      roomBytes = Math.max(piece.length, Math.min(PART_BYTES, leftBytes ?? 0));
      await needRoom(roomBytes);
    }
    roomBytes -= piece.length;
    if (leftBytes !== undefined) leftBytes -= piece.length;
    yield piece;
  }
}
