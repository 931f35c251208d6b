/** In place of a line in `Catalog`. */
import type { LampAction, LampSpec, LampStatus } from './lamp.ts';

declare module '../catalog.ts' {
  interface Catalog {
    lamp: { spec: LampSpec; status: LampStatus; action: LampAction };
  }
}
