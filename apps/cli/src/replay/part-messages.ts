import type { OpenedEvent, StoredFields } from '@protego/contracts';
import type { ArtefactSet } from '@protego/artefacts';
import type { Finding, PartState, PartSummary, ReplayRecord } from '@protego/replay';
import type { PipelineOptions } from '@protego/streams';

/** What a thread that runs one part of a replay is started with. */
export interface PartThreadData {
  /** Rules are compiled in the thread: what is compiled cannot be handed over. */
  readonly set: Pick<ArtefactSet, 'rules' | 'declarations' | 'placeholders'>;
  readonly options: PipelineOptions;
  readonly part: number;
  readonly partCount: number;
  readonly state: PartState | undefined;
  /** True where sealed fields are to be opened: by whoever started the thread, which alone can ask the vault. */
  readonly isOpening: boolean;
}

/** What a thread is told. */
export type PartOrder =
  | { readonly kind: 'take'; readonly records: readonly ReplayRecord[] }
  | { readonly kind: 'settle' | 'finish' }
  | { readonly kind: 'opened'; readonly events: readonly OpenedEvent[] }
  | { readonly kind: 'not-opened'; readonly error: Error };

/** What a thread answers; each order but `opened` has one answer, in the order of the orders. */
export type PartAnswer =
  | { readonly kind: 'took'; readonly findings: readonly Finding[] }
  | { readonly kind: 'settled'; readonly state: PartState }
  | { readonly kind: 'finished'; readonly summary: PartSummary }
  | { readonly kind: 'open'; readonly records: readonly StoredFields[] };
