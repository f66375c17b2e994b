import {
  ProtegoError,
  eventRegistry,
  messageOf,
  readLoggedEvents,
  type Detection,
  type EventSeq,
  type LoggedEvent,
  type OpenPersonalFields,
} from '@protego/contracts';
import {
  CorrelationPlan,
  ENGINE_SOURCE,
  SESSION_CLOSED,
  SESSION_OPENED,
  SigmaMatcher,
  buildPipeline,
  fieldValue,
  isMuteType,
  isPipelineInput,
  sigmaRecordOf,
  type DetectionResult,
  type Pipeline,
  type PipelineArtefacts,
  type SigmaRecord,
  type SigmaRule,
} from '@protego/streams';
import { Subject } from 'rxjs';
import type { ReplayRecord } from '../replay-log';
import { SessionAgreements } from './watermark-agreement';

/** What to run again, and on what. */
export interface ClaimRunRequest {
  /** Only what decides the detection ({@link artefactsBehind}): whatever they cannot decide is its concern. */
  readonly artefacts: PipelineArtefacts;
  /** The detection that is looked for. */
  readonly detection: Pick<Detection, 'id' | 'ruleId'>;
  /** Rules whose matches decide it. */
  readonly rules: readonly SigmaRule[];
  /** Records in the order of the log. */
  readonly records: Iterable<ReplayRecord>;
  /** True when the records begin in the middle of an import that ends among them. */
  readonly beginsInImport: boolean;
  /** Opens personal fields; without it rules see what is stored. */
  readonly open?: OpenPersonalFields;
}

/** What a run over some records, from no state, found. */
export interface ClaimRunOutcome {
  readonly found: DetectionResult | undefined;
  /** Seq of the record with which it was found; of the last one otherwise; -1 without any. */
  readonly lastSeq: number;
  /** Other detections of the same rule, at most {@link OTHERS_MAX}. */
  readonly others: readonly DetectionResult[];
  /** True when an answer hangs on a personal field that stood there as a pseudonym. */
  readonly needsClear: boolean;
  /**
   * Records of which nobody could say what the rule, a member of it or the detector finds in them, because fields that it
   * asks for were not opened; ascending, the first {@link UNDECIDED_MAX}.
   */
  readonly undecidedSeqs: readonly number[];
  /**
   * Pipeline time, milliseconds, since when the watermark has been that of the run over everything, in the session that found it, or the only one;
   * undefined where nothing shows that it was.
   */
  readonly agreedSinceMs: number | undefined;
  /** True when nothing was held back, over all correlations, that would otherwise have been told. */
  readonly isNothingHeldBack: boolean;
}

/** Most other detections of a rule that a run remembers. */
export const OTHERS_MAX = 100;
/** Most records that a run names as undecided. */
export const UNDECIDED_MAX = 100;
const BATCH_RECORDS = 512;
const SESSION_BEGINS: LoggedEvent = {
  seq: 0 as EventSeq,
  timeMs: 0,
  arrivedAtMs: 0,
  event: {
    specversion: '1.0',
    id: SESSION_OPENED,
    source: ENGINE_SOURCE,
    type: SESSION_OPENED,
    time: '1970-01-01T00:00:00Z',
    site: '-',
    data: {},
  },
};
/** What stands for a person or a text in a stored event. */
const PLACEHOLDER = /^~[st]\./;
/** What stands for a text: that of a person groups and counts as the value did, this one says nothing. */
const TEXT_PLACEHOLDER = /^~t\./;

type Place = ReturnType<CorrelationPlan['placesOf']>[number];

/**
 * Runs the pipeline over records until it makes a detection.
 *
 * @throws ProtegoError `PROOF_INVALID` for a record on which it fails; what reading events throws
 */
export async function runClaim(request: ClaimRunRequest): Promise<ClaimRunOutcome> {
  const run = new ClaimRun(request);
  let batch: ReplayRecord[] = [];
  for (const record of request.records) {
    batch.push(record);
    if (batch.length < BATCH_RECORDS) continue;
    if (await run.take(batch)) return run.outcome();
    batch = [];
  }
  await run.take(batch);
  return run.outcome();
}

class ClaimRun {
  readonly #input = new Subject<LoggedEvent>();
  readonly #pipeline: Pipeline;
  readonly #matcher: SigmaMatcher;
  readonly #plan: CorrelationPlan;
  readonly #others: DetectionResult[] = [];
  readonly #undecidedSeqs = new Set<number>();
  readonly #agreements: SessionAgreements;
  #found: DetectionResult | undefined;
  #lastSeq = -1;
  #needsClear = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(private readonly request: ClaimRunRequest) {
    this.#pipeline = buildPipeline(request.artefacts, undefined, { mutes: 'ignored' });
    this.#matcher = new SigmaMatcher(request.rules);
    this.#agreements = new SessionAgreements(request.artefacts.declarations, request.beginsInImport);
    this.#plan = new CorrelationPlan(request.artefacts.rules.linked, () => []);
    this.#input.pipe(this.#pipeline.results).subscribe({
      next: (result) => {
        if (result.kind === 'detection') this.#note(result);
        else if (result.kind === 'undecidable' && this.#undecidedSeqs.size < UNDECIDED_MAX)
          this.#undecidedSeqs.add(result.event.seq);
      },
      error: (cause: unknown) => (this.#failure = { cause }),
    });
    // Its windows then decide when it ends, as they did.
    if (request.beginsInImport) this.#input.next(SESSION_BEGINS);
  }

  /** True when the detection was found. */
  async take(records: readonly ReplayRecord[]): Promise<boolean> {
    const inputs = records.filter(({ type }) => isPipelineInput(type) && !isMuteType(type));
    const events = await readLoggedEvents(inputs, eventRegistry, this.request.open);
    for (const event of events) {
      this.#next(event);
      if (this.#found !== undefined) return true;
    }
    const last = records.at(-1);
    if (last !== undefined) this.#lastSeq = last.seq;
    return false;
  }

  outcome(): ClaimRunOutcome {
    // Of what was not found nobody can say in which of several sessions it is not.
    const isOneSession = this.#found !== undefined || this.#agreements.isSingle;
    return {
      found: this.#found,
      lastSeq: this.#lastSeq,
      others: this.#others,
      needsClear: this.#needsClear,
      undecidedSeqs: [...this.#undecidedSeqs],
      agreedSinceMs: isOneSession ? this.#agreements.sinceMs : undefined,
      isNothingHeldBack: !this.request.beginsInImport && this.#pipeline.counters()['correlationsSuppressed'] === 0,
    };
  }

  /** The event, as a run without keys has to take it; notes whether the rule might say something else of the clear text. */
  #asked(logged: LoggedEvent): LoggedEvent {
    const texts: string[] = [];
    const pointers: string[] = [];
    collectPlaceholders(logged.event, '', (pointer, value) => {
      pointers.push(pointer);
      if (TEXT_PLACEHOLDER.test(value)) texts.push(pointer);
    });
    const { rules } = this.request;
    if (pointers.length === 0) return logged;
    // A detector says itself what it cannot judge.
    if (rules.length === 0) return texts.length === 0 ? logged : { ...logged, erased: texts };
    if (this.#needsClear) return logged;
    const record = sigmaRecordOf(logged);
    this.#needsClear = this.#matcher.undecidable(record, pointers).length > 0 || this.#countsTexts(record);
    return logged;
  }

  /** True when a correlation groups the record by the placeholder of a text, or counts it. */
  #countsTexts(record: SigmaRecord): boolean {
    const isText = (field: string): boolean => TEXT_PLACEHOLDER.test(String(fieldValue(record, field)));
    const isCounted = (place: Place): boolean =>
      this.#plan.fieldsReadOf(place).some(isText) || this.#plan.parentsOf(place.correlation).some(isCounted);
    return this.#matcher.match(record).some(({ rule }) => this.#plan.placesOf(rule).some(isCounted));
  }

  #next(event: LoggedEvent): void {
    this.#lastSeq = event.seq;
    const isClosing = event.event.type === SESSION_CLOSED;
    if (!isClosing) this.#agreements.next(event);
    try {
      this.#input.next(this.request.open === undefined ? this.#asked(event) : event);
      // What the end of an import decides was found in that import.
      if (isClosing && this.#found === undefined) this.#agreements.next(event);
      if (this.#failure === undefined) return;
    } catch (cause) {
      this.#failure = { cause };
    }
    const { cause } = this.#failure;
    const message = `the record at seq ${event.seq} holds no event that can be judged: ${messageOf(cause)}`;
    throw new ProtegoError('PROOF_INVALID', message, { seq: event.seq }, { cause });
  }

  #note(result: DetectionResult): void {
    const { id, ruleId } = this.request.detection;
    if (result.detection.id === id) this.#found ??= result;
    else if (result.detection.ruleId === ruleId && this.#others.length < OTHERS_MAX) this.#others.push(result);
  }
}

function collectPlaceholders(value: unknown, pointer: string, found: (pointer: string, value: string) => void): void {
  if (typeof value === 'string') {
    if (PLACEHOLDER.test(value)) found(pointer, value);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value))
      collectPlaceholders(member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, found);
  }
}
