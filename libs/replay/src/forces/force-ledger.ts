import {
  ProtegoError,
  artefactSetHash,
  type ArtefactActivated,
  type ArtefactRetired,
  type ArtefactSignature,
  type ProtegoEvent,
} from '@protego/contracts';
import type { ForcePhase } from './force-phases';

/** Event that brings a set of artefacts into force. */
export const ACTIVATED = 'artefact.activated';
/** Event that bars a set from coming into force again. */
export const RETIRED = 'artefact.retired';
/** Types from which {@link ForceLedger} is made, as a query of the log takes them. */
export const FORCE_TYPES: readonly string[] = [ACTIVATED, RETIRED];

/** Most events about artefacts that are taken note of. */
export const FORCE_EVENTS_MAX = 100_000;

/** A record of the log as {@link foldForces} reads it. */
export interface ForceRecord {
  readonly seq: number;
  readonly arrivedAtMs: number;
  readonly type: string;
  readonly body: Uint8Array;
}

/** A set came into force. */
export interface Activation {
  readonly seq: number;
  /** Wall clock of whoever wrote it, RFC 3339. */
  readonly time: string;
  /** Pipeline time, milliseconds. */
  readonly arrivedAtMs: number;
  readonly set: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly via: 'start' | 'engine' | 'offline';
  readonly signatures: readonly ArtefactSignature[];
  readonly previous?: string;
  readonly after?: number;
  readonly reason?: string;
  readonly actor?: string;
}

/** A set was retired. */
export interface Retirement extends ArtefactRetired {
  readonly seq: number;
  /** Wall clock of whoever wrote it, RFC 3339. */
  readonly time: string;
  /** Pipeline time, milliseconds. */
  readonly arrivedAtMs: number;
}

/** Which sets of artefacts were in force when: a fold over the log. */
export class ForceLedger {
  constructor(
    /** In the order of the log. */
    readonly activations: readonly Activation[],
    /** In the order of the log. */
    readonly retirements: readonly Retirement[],
  ) {}

  /** The activation that holds now. */
  get current(): Activation | undefined {
    return this.activations.at(-1);
  }

  /** Seq of the last event about artefacts. */
  get lastSeq(): number | undefined {
    const seqs = [this.current?.seq, this.retirements.at(-1)?.seq].filter((seq) => seq !== undefined);
    return seqs.length === 0 ? undefined : Math.max(...seqs);
  }

  /**
   * Which set judges which records. The first set also judges what stands before its activation, except where that event names a
   * set before it, whose own activation has expired. Empty for a log without activations.
   */
  phases(): ForcePhase[] {
    const [first] = this.activations;
    if (first === undefined) return [];
    const starts = [
      { fromSeq: 0, set: first.previous ?? first.set },
      ...this.activations.map(({ seq, set }) => ({ fromSeq: seq + 1, set })),
    ].filter(({ set }, i, all) => all[i - 1]?.set !== set);
    return starts.map((start, i) => ({ ...start, toSeq: starts[i + 1]?.fromSeq ?? Infinity }));
  }

  /** The set that judges the record at a seq. */
  inForceAt(seq: number): string | undefined {
    return this.phases().find(({ toSeq }) => seq < toSeq)?.set;
  }

  /** The set that judged what arrived at a pipeline time, milliseconds. */
  inForceAtTime(timeMs: number): string | undefined {
    const last = this.activations.findLast(({ arrivedAtMs }) => arrivedAtMs <= timeMs);
    return last?.set ?? this.phases()[0]?.set;
  }

  /** The retirement that bars a set; undefined when it may come into force. */
  retirementOf(set: string): Retirement | undefined {
    const retired = this.retirements.findLast((retirement) => retirement.set === set);
    const again = this.activations.findLast((activation) => activation.set === set);
    return retired !== undefined && retired.seq > (again?.seq ?? -1) ? retired : undefined;
  }

  /** The ledger as it stood just before a record. */
  before(seq: number): ForceLedger {
    const isBefore = (entry: { readonly seq: number }): boolean => entry.seq < seq;
    return new ForceLedger(this.activations.filter(isBefore), this.retirements.filter(isBefore));
  }
}

/**
 * Reads which sets were in force from the events of {@link FORCE_TYPES}, in the order of the log; others are passed over.
 *
 * @throws ProtegoError `REPLAY_TOO_LARGE` beyond {@link FORCE_EVENTS_MAX} events
 */
export function foldForces(records: Iterable<ForceRecord>): ForceLedger {
  const activations: Activation[] = [];
  const retirements: Retirement[] = [];
  for (const record of records) {
    if (activations.length + retirements.length >= FORCE_EVENTS_MAX)
      throw new ProtegoError('REPLAY_TOO_LARGE', `more than ${FORCE_EVENTS_MAX} events about artefacts`);
    if (record.type === ACTIVATED) activations.push(activationOf(record));
    else if (record.type === RETIRED) retirements.push(retirementOf(record));
  }
  return new ForceLedger(activations, retirements);
}

function activationOf(record: ForceRecord): Activation {
  const { head, data } = readOf<ArtefactActivated>(record);
  const { hashes, set = artefactSetHash(hashes), via = 'start', signatures = [] } = data;
  const { previous, after, reason, actor } = data;
  return {
    ...{ ...head, set, hashes, via, signatures },
    ...(previous === undefined ? {} : { previous }),
    ...(after === undefined ? {} : { after }),
    ...(reason === undefined ? {} : { reason }),
    ...(actor === undefined ? {} : { actor }),
  };
}

function retirementOf(record: ForceRecord): Retirement {
  const { head, data } = readOf<ArtefactRetired>(record);
  return { ...head, ...data };
}

function readOf<Data>({ seq, arrivedAtMs, body }: ForceRecord): {
  readonly head: Pick<Activation, 'seq' | 'time' | 'arrivedAtMs'>;
  readonly data: Data;
} {
  const { time, data } = JSON.parse(Buffer.from(body).toString('utf8')) as ProtegoEvent;
  return { head: { seq, time, arrivedAtMs }, data: data as unknown as Data };
}
