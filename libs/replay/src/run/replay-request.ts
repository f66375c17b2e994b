import type { KnowledgeBook, MuteOption, PipelineArtefacts } from '@protego/streams';
import type { ArtefactsInForce } from '../forces/in-force-run';
import type { ReplayLog } from '../replay-log';
import type { EmitRange } from './emit-range';

/** What to replay, and with what. */
export interface ReplayRequest extends EmitRange {
  readonly log: ReplayLog;
  /** One set for the whole log, or sets as they were in force. */
  readonly artefacts: PipelineArtefacts | ArtefactsInForce;
  /** Name → SHA-256 of the artefacts. */
  readonly artefactHashes: Readonly<Record<string, string>>;
  /** SHA-256 of the engine's code. */
  readonly engine: string;
  /** Whether mutes and acknowledgements count; by default they do. */
  readonly mutes?: MuteOption;
  /** What the whole log knows of the house; default: each event is judged with what had come by then. */
  readonly knowledge?: KnowledgeBook;
  /** In how many parts the artefacts are split, each with a pipeline of its own; default 1. */
  readonly partCount?: number;
  /** Write the whole state down and go on from what was written, every so many records; a check, not a need. */
  readonly chunkRecords?: number;
}
