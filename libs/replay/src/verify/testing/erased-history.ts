import { canonicalJson, formatRfc3339, type EventSeq, type OpenedEvent, type StoredFields } from '@protego/contracts';
import type { SigmaRuleSet } from '@protego/streams';
import { declarationsOf } from '@protego/streams/testing';
import type { ReplayLog, ReplayRecord } from '../../replay-log';
import { runReplay } from '../../run/replay-lines';
import type { RunManifest } from '../../run/run-manifest';
import type { RunLines } from '../../run/run-ports';
import type { RunFiles } from '../run-files';
import { compareRuns, type RunComparison } from '../verdict';

/** When histories begin, milliseconds since the Unix epoch. */
export const START_MS = Date.UTC(2026, 2, 2, 7);
const TOKEN = '~s.AAAAAAAAAAAAAAAAAAAAAA';

/** Seconds after the beginning, the device, and who a token stands for. */
export type Happening = readonly [atS: number, device: string, who: string];

/** Lines of the files of a run in memory, and its manifest. */
export type Files = Partial<Record<RunLines, readonly string[]>> & { readonly manifest: RunManifest };

/** A log of changed privileges, of which some persons are erased. */
function logOf(happenings: readonly Happening[], isErased: (seq: number) => boolean): ReplayLog {
  const records = happenings.map(([atS, device, who], at): ReplayRecord => {
    const seq = at as EventSeq;
    const timeMs = START_MS + atS * 1_000;
    const data = { user: { uid: TOKEN }, device: { uid: device } };
    const type = 'access.privilege-changed';
    const event = {
      specversion: '1.0',
      id: `e-${seq}`,
      source: 'ehr',
      type,
      time: formatRfc3339(timeMs),
      site: 'n',
      data,
    };
    const sealed = Buffer.from(isErased(seq) ? 'gone' : who);
    return { seq, timeMs, arrivedAtMs: timeMs, type, body: Buffer.from(canonicalJson(event)), sealed };
  });
  const openOne = ({ event, sealed }: StoredFields): OpenedEvent => {
    const clear = Buffer.from(sealed).toString();
    if (clear === 'gone') return { event, pseudonyms: new Map(), erased: ['/data/user/uid'] };
    const opened = { ...event, data: { ...event.data, user: { uid: clear } } };
    return { event: opened, pseudonyms: new Map([[clear, TOKEN]]), erased: [] };
  };
  const areErased = happenings.some((_, seq) => isErased(seq));
  return {
    ...{ origin: 'o', size: records.length, firstSeq: 0, rootHash: '00'.repeat(32) },
    open: (stored) => Promise.resolve(stored.map(openOne)),
    records: (fromSeq, toSeq) => records.slice(fromSeq, toSeq),
    erasuresAt: () => (areErased ? records.length + 1 : 0),
  };
}

/** Replays a history. */
export async function replay(
  rules: SigmaRuleSet,
  happenings: readonly Happening[],
  isErased: (seq: number) => boolean = () => false,
): Promise<Files> {
  const artefacts = { rules, declarations: declarationsOf(), detectors: [] };
  const log = logOf(happenings, isErased);
  const run = await runReplay({ log, artefacts, artefactHashes: {}, engine: 'test' });
  return {
    ...{
      manifest: run.manifest,
      detections: run.detectionLines,
      evidence: run.evidenceLines,
      coverage: run.coverageLines,
    },
    ...(run.undecidableLines.length === 0 ? {} : { undecidable: run.undecidableLines }),
  };
}

/** Records a run, lets somebody change its files, erases, and compares. */
export async function compareAfter(
  rules: SigmaRuleSet,
  happenings: readonly Happening[],
  isErased: (seq: number) => boolean,
  change: (files: Files) => Files = (files) => files,
): Promise<RunComparison> {
  const runFiles = ({ manifest, ...lines }: Files): RunFiles => ({ manifest, lines: (kind) => lines[kind] });
  const recorded = runFiles(change(await replay(rules, happenings)));
  const again = runFiles(await replay(rules, happenings, isErased));
  return compareRuns({ recorded, again, rules, log: logOf(happenings, isErased) });
}
