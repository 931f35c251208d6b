/** Rooms that are mutated, with the tests that must notice. Pure rooms have a floor, which hack/test holds them to. */

export interface Room {
  /** Below the project. */
  readonly directory: string;
  /** Globs of tests; only these are run. */
  readonly tests: readonly string[];
  /** Per cent of mutants that must be killed; undefined: it is measured only. */
  readonly floor?: number;
}

export const ROOMS = {
  reconcilers: { directory: 'reconcilers', tests: ['test/reconcilers/**/*.test.ts'], floor: 90 },
  engine: { directory: 'runtime/engine', tests: ['test/runtime/engine/**/*.test.ts'], floor: 90 },
  controllers: {
    directory: 'controllers',
    tests: ['test/controllers/**/*.test.ts', 'test/scenarios/**/*.test.ts'],
  },
  store: { directory: 'runtime/store', tests: ['test/runtime/store/**/*.test.ts'] },
} as const satisfies Readonly<Record<string, Room>>;

export type RoomName = keyof typeof ROOMS;
export const ROOM_NAMES = Object.keys(ROOMS) as readonly RoomName[];
export const isRoomName = (name: string): name is RoomName => Object.hasOwn(ROOMS, name);
