import type { DeviceClass, SimulatedDevice } from './hospital/model';

const MINUTE_MS = 60_000;

/** Release of the log agents of the house. */
export const AGENT_VERSION = '5.8.2';

const HOST_CLASSES: ReadonlySet<DeviceClass> = new Set([
  'workstation',
  'ehr-server',
  'interface-server',
  'image-archive',
  'file-server',
  'backup-server',
  'domain-controller',
  'update-server',
]);

/** True of what an agent ships logs of. */
export function isHost({ view }: SimulatedDevice): boolean {
  return HOST_CLASSES.has(view.type);
}

/** How often the agent of a host says that it is there, milliseconds: servers twice as often as workstations. */
export function agentIntervalMs({ view }: SimulatedDevice): number {
  return view.type === 'workstation' ? 30 * MINUTE_MS : 15 * MINUTE_MS;
}
