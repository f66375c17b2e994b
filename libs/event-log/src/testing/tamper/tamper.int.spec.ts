import { join } from 'node:path';
import { verifyLog, type LogProblem } from '../../index';
import { SeededRandom, inTemporaryDirectory } from '../index';
import type { TamperCase } from './tamper-attack';
import { ATTACKS } from './tamper-cases';
import { KEYS, applyFiles, writeCleanLog, type CleanLog } from './tamper-log';

/** TAMPER_CASES=2000 TAMPER_SEED=1 runs the whole campaign; a failure names its seed, which TAMPER_CASE runs alone. */
const CASES = Number(process.env['TAMPER_CASES'] ?? 250);
const SEED = Number(process.env['TAMPER_SEED'] ?? 1);
const ONLY = process.env['TAMPER_CASE'];
const CASES_PER_LOG = 60;

const WEIGHTED = Object.entries(ATTACKS).flatMap(([name, [attack, weight]]) =>
  Array.from({ length: weight }, () => ({ name, attack })),
);

function isExpected(tamper: TamperCase, problems: readonly LogProblem[]): boolean {
  const kinds = new Set<string>([tamper.kind, ...(tamper.also ?? [])]);
  const isNamed = problems.some(
    ({ kind, seq, seqEnd }) =>
      kind === tamper.kind && (tamper.seq === undefined || (seq === tamper.seq && seqEnd === tamper.seqEnd)),
  );
  return isNamed && problems.every(({ kind }) => kinds.has(kind));
}

/** What went wrong in a case; undefined when it was found as it should be, null when the log has no place for it. */
async function runCase(log: CleanLog, caseSeed: number): Promise<string | undefined | null> {
  const random = new SeededRandom(caseSeed);
  const { name, attack } = random.pick(WEIGHTED);
  const tamper = await attack(log, random);
  if (tamper === undefined) return null;
  const restore = applyFiles(log.directory, log.files, tamper.changes);
  try {
    const options = { directory: log.directory, keys: KEYS, decodesBodies: false };
    const { ok, problems } = verifyLog({
      ...options,
      ...(tamper.against === undefined ? {} : { against: tamper.against }),
    });
    if (!ok && isExpected(tamper, problems)) return undefined;
    const expected = { kind: tamper.kind, seq: tamper.seq, seqEnd: tamper.seqEnd };
    const found = problems.slice(0, 4).map(({ kind, seq, seqEnd, message }) => ({ kind, seq, seqEnd, message }));
    return `case ${caseSeed} (${name}): expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
  } catch (cause) {
    return `case ${caseSeed} (${name}): ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`;
  } finally {
    restore();
  }
}

jest.setTimeout(1_800_000);

describe('tamper campaign', () => {
  it(`finds ${CASES} tampered logs, each with the right kind and seq`, async () => {
    const failures: string[] = [];
    let done = 0;
    for (let logSeed = SEED; done < CASES; logSeed++) {
      await inTemporaryDirectory(async (root) => {
        const log = await writeCleanLog(join(root, 'log'), logSeed);
        for (let i = 0; i < CASES_PER_LOG && done < CASES; i++) {
          const caseSeed = logSeed * 1000 + i;
          if (ONLY !== undefined && Number(ONLY) !== caseSeed) {
            done++;
            continue;
          }
          const failure = await runCase(log, caseSeed);
          if (failure === null) continue;
          done++;
          if (failure !== undefined) failures.push(failure);
        }
        expect(verifyLog({ directory: log.directory, keys: KEYS })).toMatchObject({ ok: true, problems: [] });
      });
    }
    expect(failures.slice(0, 20)).toEqual([]);
  });
});
