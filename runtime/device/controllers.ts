/** The controllers of one device: one for each kind, with its reconciler. */
import { type ContainerController, containerController } from '../../controllers/container.ts';
import { diskController } from '../../controllers/disk.ts';
import { groupController } from '../../controllers/group.ts';
import { type UpdateControllerOptions, updateController } from '../../controllers/update.ts';
import { volumeController } from '../../controllers/volume.ts';
import { reconcilers } from '../../reconcilers/index.ts';
import type { Paths } from '../../resources/paths.ts';
import type { Controllers } from '../engine/controller.ts';
import type { Ledger } from '../engine/ledger.ts';
import type { Host } from '../host/host.ts';
import { type LxcSettings, lxcPreparation } from './lxc-preparation.ts';

export interface ControllersOptions {
  readonly host: Host;
  readonly paths: Paths;
  readonly ledger: Ledger;
  readonly lxc: () => LxcSettings;
  readonly update: Omit<UpdateControllerOptions, 'clock' | 'ledger' | 'reconcile'>;
}

export interface OpenedControllers {
  readonly controllers: Controllers;
  readonly signalReady: ContainerController['signalReady'];
}

export const openControllers = ({ host, paths, ledger, lxc, update }: ControllersOptions): OpenedControllers => {
  const { clock } = host;
  const preparation = lxcPreparation(host, paths, lxc);
  const container = containerController({ host, ledger, reconcile: reconcilers.container, ...preparation });
  const controllers: Controllers = {
    container,
    disk: diskController(host, ledger, reconcilers.disk),
    group: groupController(host, ledger, reconcilers.group),
    volume: volumeController(host, paths.volumes, reconcilers.volume),
    update: updateController({ ...update, clock, ledger, reconcile: reconcilers.update }),
  };
  return { controllers, signalReady: container.signalReady };
};
