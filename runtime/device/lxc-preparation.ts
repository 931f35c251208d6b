/** What a container needs outside LXC before it starts: its altered configuration, directories, and a copy of its `_config`. */

import type { LxcSetup } from '../../controllers/container.ts';
import type { ContainerSpec } from '../../resources/kinds/container.ts';
import { alterLxcConfig, type LxcContext, MAX_LXC_CONFIG_BYTES } from '../../resources/lxc/lxc-config.ts';
import { overlayUppers } from '../../resources/lxc/lxc-line.ts';
import type { Paths } from '../../resources/paths.ts';
import { DeviceError, type Host } from '../host/host.ts';

export interface LxcSettings {
  readonly host: LxcContext['host'];
  /** `PV_LXC_LOG_LEVEL`. */
  readonly logLevel: number;
  readonly consoleBytes: number;
  /** `PV_LOG_CAPTURE`. */
  readonly capture: boolean;
  /** `PV_LOG_AUTO_DEVLOG`. */
  readonly devLog: boolean;
  /** A setting of a container's LXC file that does nothing here. */
  readonly onNotice: (container: string, notice: string) => void;
}

export interface LxcPreparation {
  prepare(spec: ContainerSpec): Promise<LxcSetup>;
  tidy(name: string): Promise<void>;
}

export const lxcPreparation = ({ files }: Host, paths: Paths, settingsNow: () => LxcSettings): LxcPreparation => {
  const overlayOf = (name: string): string => `${paths.config}/${name}`;

  const readConfig = async ({ name, configFile }: ContainerSpec): Promise<string> => {
    if (configFile === undefined)
      throw new DeviceError('container.start', name, 'ENOENT', 'run.json names no LXC file');
    const bytes = await files.read(configFile, MAX_LXC_CONFIG_BYTES);
    if (bytes === undefined) throw new DeviceError('container.start', name, 'ENOENT', `there is no ${configFile}`);
    return bytes.toString();
  };

  const copyOverlay = async ({ name, configOverlay }: ContainerSpec): Promise<{ configOverlay?: string }> => {
    await files.remove(overlayOf(name));
    if (configOverlay === undefined || (await files.stat(configOverlay)) === undefined) return {};
    await files.makeDirectory(paths.config, 0o755);
    await files.copyTree(configOverlay, overlayOf(name));
    return { configOverlay: overlayOf(name) };
  };

  return {
    prepare: async (spec) => {
      const { name } = spec;
      const source = await readConfig(spec);
      const overlay = await copyOverlay(spec);
      const settings = settingsNow();
      const { host, logLevel, consoleBytes, capture } = settings;
      const altered = alterLxcConfig(source, {
        container: spec,
        paths,
        ...overlay,
        devLog: spec.devLog ?? settings.devLog,
        logLevel,
        consoleBytes,
        capture,
        host,
      });
      if (altered.refusal !== undefined) throw new DeviceError('container.start', name, 'EINVAL', altered.refusal);
      for (const notice of altered.notices) settings.onNotice(name, notice);
      for (const directory of altered.directories) await files.makeDirectory(directory, 0o755);
      return { config: altered.text, uppers: overlayUppers(altered.text) };
    },
    tidy: (name) => files.remove(overlayOf(name)),
  };
};
