import { ProtegoError, type LoggedEvent } from '@protego/contracts';
import {
  buildPipeline,
  type PipelineArtefacts,
  type PipelineOptions,
  type PipelineResult,
  type PipelineSnapshot,
} from '@protego/streams';
import { PhaseWalk, type ForcePhase } from './force-phases';
import { PipelineInForce } from './pipeline-in-force';

/** Most sets whose pipelines run beside each other in one replay. */
export const SETS_AT_ONCE_MAX = 16;

/** Artefacts that change within a log: which set judges which records, and what each set holds. */
export interface ArtefactsInForce {
  /** One after the other, without gaps, from seq 0 on. */
  readonly phases: readonly ForcePhase[];
  /** Artefacts of a set of the phases; equal ones for equal sets. */
  artefactsOf(set: string): PipelineArtefacts;
}

/** State of a run as JSON: for the same engine and artefacts only. */
export interface InForceSnapshot {
  /** Seq of the last event that was taken, plus one. */
  readonly nextSeq: number;
  readonly pipelines: Readonly<Record<string, PipelineSnapshot>>;
  /** What pipelines had lost that are gone. */
  readonly goneLosses: Readonly<Record<string, number>>;
}

/** What a run is made with. */
export interface InForceRunParts {
  /** One set for the whole log, or sets as they were in force. */
  readonly artefacts: PipelineArtefacts | ArtefactsInForce;
  readonly options?: PipelineOptions;
  /** Told of what counts, in order. */
  readonly emit: (result: PipelineResult) => void;
}

const ONE_SET = 'one';

/** True for artefacts that change within the log. */
export function areInForce(artefacts: PipelineArtefacts | ArtefactsInForce): artefacts is ArtefactsInForce {
  return 'phases' in artefacts;
}

/**
 * The pipelines of a replay over the events of a log: of one set of artefacts, or of all that were in force, each from the first
 * event on, of which each judges its own stretches.
 */
export class InForceRun {
  readonly #pipelines: PipelineInForce;
  readonly #walk: PhaseWalk;
  #nextSeq: number;

  /**
   * @throws ProtegoError `REPLAY_TOO_LARGE` when more than {@link SETS_AT_ONCE_MAX} sets are to run beside each other,
   *   `ARTEFACT_SET_UNKNOWN` when no set judges any record
   */
  constructor({ artefacts, options, emit }: InForceRunParts, snapshot?: InForceSnapshot) {
    const { phases, artefactsOf } = areInForce(artefacts)
      ? artefacts
      : { phases: [{ fromSeq: 0, toSeq: Infinity, set: ONE_SET }], artefactsOf: () => artefacts };
    this.#nextSeq = snapshot?.nextSeq ?? 0;
    const left = phases.filter(({ toSeq }) => toSeq > this.#nextSeq);
    const sets = new Set(left.flatMap(({ set }) => set ?? []));
    requireFew(sets.size);
    this.#pipelines = new PipelineInForce(emit);
    this.#pipelines.addGoneLosses(snapshot?.goneLosses ?? {});
    for (const set of sets)
      this.#pipelines.attach(set, buildPipeline(artefactsOf(set), snapshot?.pipelines[set], options));
    this.#walk = new PhaseWalk(left, this.#pipelines);
  }

  /** One event of the log, in its order. */
  take(event: LoggedEvent): void {
    this.#walk.advanceTo(event.seq);
    this.#pipelines.take(event);
    this.#nextSeq = event.seq + 1;
  }

  /** State after everything that was taken. */
  snapshot(): InForceSnapshot {
    const pipelines = this.#pipelines.sets.map((set) => [set, this.#pipelines.pipelineOf(set)?.snapshot()] as const);
    return {
      nextSeq: this.#nextSeq,
      pipelines: Object.fromEntries(pipelines) as InForceSnapshot['pipelines'],
      goneLosses: this.#pipelines.goneLosses,
    };
  }

  /** What left windows before its time, by id of the document. */
  losses(): Record<string, number> {
    return this.#pipelines.losses();
  }

  /** Takes no more. */
  stop(): void {
    this.#pipelines.stop();
  }
}

/** Every document that judges anything: of one set, or of all that were in force, each content once. */
export function documentsOf(artefacts: PipelineArtefacts | ArtefactsInForce): PipelineArtefacts {
  if (!areInForce(artefacts)) return artefacts;
  const sets = [...new Set(artefacts.phases.flatMap(({ set }) => set ?? []))].map((set) => artefacts.artefactsOf(set));
  const [first] = sets;
  if (first === undefined) throw noneActivated();
  const rules = sets.map((set) => set.rules);
  return {
    ...first,
    rules: {
      ...first.rules,
      rules: byContent(rules.flatMap((set) => set.rules)),
      correlations: byContent(rules.flatMap((set) => set.correlations)),
      linked: byContent(
        rules.flatMap((set) => set.linked),
        ({ correlation }) => correlation.contentHash,
      ),
      problems: rules.flatMap((set) => set.problems),
    },
  };
}

function byContent<T>(documents: readonly T[], hashOf: (document: T) => string = contentHashOf): T[] {
  return [...new Map(documents.map((document) => [hashOf(document), document])).values()];
}

function contentHashOf(document: unknown): string {
  return (document as { readonly contentHash: string }).contentHash;
}

function noneActivated(): ProtegoError {
  return new ProtegoError('ARTEFACT_SET_UNKNOWN', 'no set was ever activated in this log: name one');
}

/** What `artefacts` of a manifest says of sets as they were in force: the set by the first seq that it judged. */
export function inForceHashes(phases: readonly ForcePhase[]): Record<string, string> {
  return Object.fromEntries(
    phases.flatMap(({ fromSeq, set }) => (set === undefined ? [] : [[`in-force@${fromSeq}`, set]])),
  );
}

function requireFew(count: number): void {
  if (count === 0) throw noneActivated();
  if (count <= SETS_AT_ONCE_MAX) return;
  const message = `${count} sets of artefacts were in force, and at most ${SETS_AT_ONCE_MAX} can run beside each other`;
  throw new ProtegoError('REPLAY_TOO_LARGE', message, { sets: count, setsMax: SETS_AT_ONCE_MAX });
}
