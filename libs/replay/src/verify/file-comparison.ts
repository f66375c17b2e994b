import { canonicalJson } from '@protego/contracts';
import type { RunManifest } from '../run/run-manifest';
import { UNDECIDABLE_LINES_MAX } from '../run/part-run';
import type { RunLines } from '../run/run-ports';
import { CoverageTable, NamedSeqs, parsedLine } from './coverage-table';
import type { ErasedLog } from './erased-log';
import type { LineDifference } from './line-difference';
import type { RunFiles } from './run-files';

/** How a file of a run differs from that of the run made again. */
export interface FileDifference {
  readonly file: string;
  /** True where the recorded file is missing: nothing of it could be compared. */
  readonly isMissing: boolean;
  /** Lines, or members of the manifest, that differ because persons were erased since. */
  excused: number;
  /** Lines, or members of the manifest, that differ and should not. */
  differing: number;
  /** The first of these. */
  first?: LineDifference & { readonly file: string };
}

/** Members of a line of `coverage.jsonl` that list seqs. */
const GAPS: ReadonlySet<string> = new Set(['late', 'skewed', 'failed', 'undecidable', 'erased']);
const MISSING = '(no line)';

/** Compares `evidence.jsonl`, `coverage.jsonl`, `undecidable.jsonl` and what the manifest counts. */
export class FileComparison {
  readonly #found: FileDifference[] = [];

  /** @param erased - the log, where persons were erased since; else everything must be the same */
  constructor(
    private readonly recorded: RunFiles,
    private readonly again: RunFiles,
    private readonly erased: ErasedLog | undefined,
  ) {}

  /** Every file that differs, or is missing; throws what the log throws. */
  async all(): Promise<readonly FileDifference[]> {
    this.#compareEvidence();
    await this.#compareCoverage();
    await this.#compareUndecidable();
    this.#compareManifest();
    return this.#found.filter(({ isMissing, excused, differing }) => isMissing || excused > 0 || differing > 0);
  }

  #compareEvidence(): void {
    const told = this.#begin('evidence.jsonl', 'evidence');
    const detections = this.recorded.lines('detections');
    const lines = this.recorded.lines('evidence');
    if (detections === undefined || lines === undefined) return;
    const ofAgain = new Map<string, string>();
    for (const line of this.again.lines('evidence') ?? []) ofAgain.set(idOf(line) ?? '', line);
    const ids = Array.from(detections, idOf);
    const recordedIds = new Set(ids);
    let at = 0;
    let place = 0;
    for (const line of lines) {
      place++;
      // A line of a detection that is not there must not make all that follow differ.
      const isForeign = !recordedIds.has(idOf(line));
      if (isForeign || !this.#isEvidenceOf(ids[at], line, ofAgain))
        tell(told, false, { side: 'recorded', place, line });
      if (!isForeign) at++;
    }
    for (const id of ids.slice(at))
      tell(told, false, { side: 'again', place: ++place, line: ofAgain.get(id ?? '') ?? MISSING });
  }

  #isEvidenceOf(id: string | undefined, line: string, ofAgain: ReadonlyMap<string, string>): boolean {
    if (id === undefined) return false;
    const again = ofAgain.get(id);
    return again === undefined ? this.#isLostEvidence(id, line) : again === line;
  }

  /** What a line must be of a detection that only the recorded run has. */
  #isLostEvidence(id: string, line: string): boolean {
    const { size, root: rootHash } = this.recorded.manifest.log;
    const seqs = parsedLine(line)?.['seqs'];
    return (
      Array.isArray(seqs) && line === canonicalJson({ id, seqs: seqs as unknown[], checkpoint: { size, rootHash } })
    );
  }

  async #compareCoverage(): Promise<void> {
    const told = this.#begin('coverage.jsonl', 'coverage');
    const lines = this.recorded.lines('coverage');
    if (lines === undefined) return;
    for (const { place, a: recorded, b: again } of inStep(lines, this.again.lines('coverage') ?? []))
      if (recorded !== again)
        tell(told, await this.#isGapOfErasure(recorded, again), differenceOf(place, recorded, again));
  }

  /** True where two lines differ in records with erased fields only, or in what windows lost of a document that misses such. */
  async #isGapOfErasure(a: string | undefined, b: string | undefined): Promise<boolean> {
    const [recorded, again] = [a, b].map((line) => (line === undefined ? undefined : parsedLine(line)));
    if (this.erased === undefined || recorded === undefined || again === undefined) return false;
    if (canonicalJson(recorded) !== a) return false;
    for (const name of new Set([...Object.keys(recorded), ...Object.keys(again)])) {
      const [was, is] = [recorded[name], again[name]];
      if (canonicalJson([was ?? null]) === canonicalJson([is ?? null])) continue;
      if (name === 'lost' && again['undecidable'] !== undefined) continue;
      if (!GAPS.has(name) || !(await this.#areErased(was, is))) return false;
      if (
        name === 'erased' &&
        was !== undefined &&
        (NamedSeqs.from(was)?.count ?? 0) > (NamedSeqs.from(is)?.count ?? 0)
      )
        return false;
    }
    return true;
  }

  /** True where every record that only one of two lists names has erased fields. */
  async #areErased(was: unknown, is: unknown): Promise<boolean> {
    const none = new NamedSeqs(0, [], false);
    const [a, b] = [was === undefined ? none : NamedSeqs.from(was), is === undefined ? none : NamedSeqs.from(is)];
    if (a === undefined || b === undefined) return false;
    const namedTo = Math.min(a.namedTo, b.namedTo);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      for (const [from, to] of one.ranges)
        for (let seq = from; seq < Math.min(to, namedTo); seq++)
          if (!other.has(seq) && !(await this.erased?.isErased(seq))) return false;
    return true;
  }

  async #compareUndecidable(): Promise<void> {
    // A run without such lines has no file; where nothing but the manifest is left, nothing can be said of it.
    if (this.recorded.lines('coverage') === undefined) return;
    const told = this.#begin('undecidable.jsonl');
    const again = new Set(this.again.lines('undecidable') ?? []);
    const seen = new Set<string>();
    let place = 0;
    for (const line of this.recorded.lines('undecidable') ?? []) {
      place++;
      const isNew = !again.has(line) || seen.has(line);
      if (place <= UNDECIDABLE_LINES_MAX) seen.add(line);
      const isTooMuch = place > UNDECIDABLE_LINES_MAX;
      if (isTooMuch) tell(told, false, { side: 'recorded', place, line });
      else if (isNew) tell(told, await this.#isUndecidableLine(line), { side: 'recorded', place, line });
    }
    place = 0;
    for (const line of this.again.lines('undecidable') ?? []) {
      place++;
      if (!seen.has(line)) tell(told, this.erased !== undefined, { side: 'again', place, line });
    }
  }

  /** Another document may be the one that cannot decide a record, once more of it is erased. */
  async #isUndecidableLine(line: string): Promise<boolean> {
    const { seq, ruleId, fields } = parsedLine(line) ?? {};
    if (this.erased === undefined || canonicalJson({ seq, ruleId, fields }) !== line) return false;
    return this.erased.isErased(seq as number);
  }

  #compareManifest(): void {
    const told = this.#begin('manifest.json');
    const [recorded, again] = [this.recorded.manifest, this.again.manifest];
    const wanted = this.erased === undefined ? again : this.#fitting(again);
    for (const [name, was, is] of membersOf(recorded, wanted)) {
      if (was !== is) tell(told, false, { side: 'recorded', place: 1, line: `${name}: ${was}, made again ${is}` });
    }
    for (const [, was, is] of membersOf(recorded, again)) if (was !== is && this.erased !== undefined) told.excused++;
    told.excused = Math.max(0, told.excused - told.differing);
  }

  /** What the manifest must say to be that of the recorded files, where an erasure lets these differ. */
  #fitting(again: RunManifest): RunManifest {
    const { manifest } = this.recorded;
    const detections = this.recorded.lines('detections');
    const coverage = this.recorded.lines('coverage');
    const counts = { ...again.counts };
    let { mutes } = again;
    if (detections === undefined) {
      const { detections: count, byRule } = manifest.counts;
      Object.assign(counts, { detections: count, byRule });
      mutes = { ...mutes, muted: manifest.mutes.muted, updated: manifest.mutes.updated };
    } else {
      const tally = tallyOf(detections);
      Object.assign(counts, { detections: tally.detections, byRule: Object.fromEntries(tally.byRule) });
      mutes = { ...mutes, muted: tally.muted, updated: tally.updated };
    }
    const was = coverage === undefined ? undefined : new CoverageTable(coverage);
    const is = new CoverageTable(this.again.lines('coverage') ?? []);
    const { ruleFailed, undecidable } = was === undefined ? manifest.counts : again.counts;
    if (was !== undefined) {
      Object.assign(counts, {
        ruleFailed: ruleFailed + was.total('failed') - is.total('failed'),
        undecidable: undecidable + was.total('undecidable') - is.total('undecidable'),
      });
    } else Object.assign(counts, { ruleFailed, undecidable });
    return { ...again, counts, mutes, outputHash: manifest.outputHash, erasuresAt: manifest.erasuresAt };
  }

  #begin(file: string, kind?: RunLines): FileDifference {
    const isMissing = kind !== undefined && this.recorded.lines(kind) === undefined;
    const told = { file, isMissing, excused: 0, differing: 0 };
    this.#found.push(told);
    return told;
  }
}

/** What two manifests of one run have to agree in; where a run began to read hangs on the snapshots that there were. */
function* membersOf(a: RunManifest, b: RunManifest): Generator<[name: string, a: string, b: string], void, undefined> {
  const partsOf = ({ log, range, erasuresAt, knowledge, mutes, outputHash, counts }: RunManifest): object => ({
    ...{ log, range: { ...range, readFrom: null }, erasuresAt, knowledge, mutes, outputHash },
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [`counts.${name}`, count as unknown])),
  });
  const [left, right] = [partsOf(a), partsOf(b)] as [Record<string, unknown>, Record<string, unknown>];
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)]))
    yield [name, canonicalJson(left[name] ?? null), canonicalJson(right[name] ?? null)];
}

function tallyOf(lines: Iterable<string>): {
  detections: number;
  byRule: Map<string, number>;
  muted: number;
  updated: number;
} {
  const tally = { detections: 0, byRule: new Map<string, number>(), muted: 0, updated: 0 };
  for (const line of lines) {
    const { ruleId, status } = parsedLine(line) ?? {};
    tally.detections++;
    tally.byRule.set(String(ruleId), (tally.byRule.get(String(ruleId)) ?? 0) + 1);
    if (status === 'muted') tally.muted++;
    else if (status === 'updated') tally.updated++;
  }
  return tally;
}

function idOf(line: string): string | undefined {
  const id = parsedLine(line)?.['id'];
  return typeof id === 'string' ? id : undefined;
}

function tell(told: FileDifference, isExcused: boolean, difference: LineDifference): void {
  if (isExcused) told.excused++;
  else {
    told.differing++;
    told.first ??= { ...difference, file: told.file };
  }
}

function differenceOf(place: number, recorded: string | undefined, again: string | undefined): LineDifference {
  return recorded === undefined
    ? { side: 'again', place, line: again ?? MISSING }
    : { side: 'recorded', place, line: recorded };
}

/** Two sequences side by side, to the end of the longer. */
function* inStep(
  a: Iterable<string>,
  b: Iterable<string>,
): Generator<{ place: number; a: string | undefined; b: string | undefined }, void, undefined> {
  const [left, right] = [a[Symbol.iterator](), b[Symbol.iterator]()];
  for (let place = 1; ; place++) {
    const [one, other] = [left.next(), right.next()];
    if (one.done === true && other.done === true) return;
    yield { place, a: one.done === true ? undefined : one.value, b: other.done === true ? undefined : other.value };
  }
}
