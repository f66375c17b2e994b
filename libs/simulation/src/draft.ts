import type { EventData } from '@protego/contracts';

/** Feeds of the simulated hospital; each is declared in `streams/declarations/sources.yaml`. */
export type SimulatedSource =
  | 'ehr'
  | 'network-monitor'
  | 'biomed-gateway'
  | 'host-agents'
  | 'imaging-archive'
  | 'identity-provider'
  | 'exchange-portal'
  | 'directory'
  | 'simulation-clock';

/** An event before it has an id and an arrival time. */
export interface EventDraft {
  readonly timeMs: number;
  readonly source: SimulatedSource;
  readonly type: string;
  readonly subject?: string;
  readonly data: EventData;
}
