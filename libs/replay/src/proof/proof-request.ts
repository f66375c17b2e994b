import type { Detection } from '@protego/contracts';
import type { PipelineArtefacts } from '@protego/streams';
import type { ClaimFile } from './detection-claim';
import type { ProofLog } from './proof-log';

/** What to prove, and with what. */
export interface ProofRequest {
  readonly log: ProofLog;
  /** With or without `evidence`. */
  readonly detection: Detection;
  /** Contributing events as far as they are known, ascending. */
  readonly seqs: readonly number[];
  /** Seq of the `detection.raised` event; null where the detection is from a replay. */
  readonly recordedSeq: number | null;
  /** Compiled from `ruleFiles`. */
  readonly artefacts: PipelineArtefacts;
  /** All rule files of the set, as they decide. */
  readonly ruleFiles: readonly ClaimFile[];
  /** `sources.yaml`, and `placeholders.yaml` where there is one. */
  readonly declarations: readonly ClaimFile[];
  readonly artefactHashes: Readonly<Record<string, string>>;
  readonly engine: string;
  /** Most records, and bytes of stored events, of the range. */
  readonly recordsMax: number;
  readonly bytesMax: number;
}
