import type { ArtefactSet } from '@protego/artefacts';
import type { OpenedFields } from '@protego/enclave';
import type { Finding, PartState, PartSummary } from '@protego/replay';
import type { PipelineOptions } from '@protego/streams';
import type { RecordPack } from './record-pack';

/** What a thread that runs one part of a replay is started with. */
export interface PartThreadData {
  /** Rules are compiled in the thread: what is compiled cannot be handed over. */
  readonly set: Pick<ArtefactSet, 'rules' | 'declarations' | 'placeholders'>;
  readonly options: PipelineOptions;
  readonly part: number;
  readonly partCount: number;
  readonly state: PartState | undefined;
}

/** What a thread is told. */
export type PartOrder =
  | {
      readonly kind: 'take';
      /** Inputs of pipelines, in the order of the log. */
      readonly records: RecordPack;
      /** What the sealed fields of those say that have any, in order; undefined where they stay sealed. */
      readonly opened: readonly OpenedFields[] | undefined;
    }
  | { readonly kind: 'settle' | 'finish' };

/** What a thread answers to each order, in the order of the orders. */
export type PartAnswer =
  | { readonly kind: 'took'; readonly findings: readonly Finding[] }
  | { readonly kind: 'settled'; readonly state: PartState }
  | { readonly kind: 'finished'; readonly summary: PartSummary };
