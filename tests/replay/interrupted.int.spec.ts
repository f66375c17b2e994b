import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunManifest } from '@protego/replay';
import { importHistory } from '../history-log';
import { seededRandom } from '../seeded-random';
import { Killed, runUntilKilled } from './interrupted-run';
import { endOf, protego, startProtego } from './replay-process';

const HISTORY = join(__dirname, '../../replay-data/general/events.ndjson.gz');
/** Events of the history that are enough to find something in. */
const EVENTS = 8_000;
/** Seeds of kills within the process, and of kills of a whole process; more by hand. */
const SEEDS = Number(process.env['REPLAY_KILL_SEEDS'] ?? 12);
const PROCESS_SEEDS = Number(process.env['REPLAY_PROCESS_KILL_SEEDS'] ?? 2);

jest.setTimeout(600_000);

describe('a replay that is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-killed-'));
  const log = join(directory, 'log');
  const straight = join(directory, 'straight');
  let expected: RunManifest;
  let steps = 0;

  beforeAll(async () => {
    const events = gunzipSync(readFileSync(HISTORY)).toString('utf8').split('\n').slice(0, EVENTS);
    writeFileSync(join(directory, 'events.ndjson'), events.join('\n'));
    await importHistory(log, 'cloudevents', [join(directory, 'events.ndjson')]);
    expected = await runUntilKilled({
      ...{ log, out: straight, isResuming: false, partCount: 1, saveEvery: 2_048 },
      step: () => steps++,
    });
    expect(expected.counts.detections).toBeGreaterThan(20);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const fileOf = (out: string, name: string): string => readFileSync(join(out, name), 'utf8');

  function expectSameFiles(out: string, names = ['detections.jsonl', 'evidence.jsonl', 'coverage.jsonl']): void {
    for (const name of names) expect(fileOf(out, name)).toBe(fileOf(straight, name));
    expect(readdirSync(out).filter((name) => name.startsWith('.') || name.endsWith('.partial'))).toEqual([]);
  }

  it(`gives the same files when it is resumed, wherever it was killed (${SEEDS} seeds)`, async () => {
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const out = join(directory, `killed-${seed}`);
      const partCount = 1 + (seed % 3);
      let hasState = false;
      for (let isDone = false; !isDone;) {
        let left = 1 + Math.floor(random() * steps * 0.8);
        const step = (): void => {
          if (left-- <= 0) throw new Killed();
        };
        const run = { log, out, isResuming: hasState, partCount, saveEvery: 2_048, step };
        try {
          const manifest = await runUntilKilled(run);
          expect(manifest.outputHash).toBe(expected.outputHash);
          isDone = true;
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
          kills++;
          hasState = readdirSync(join(out, '.run')).includes('state');
        }
      }
      expectSameFiles(out);
      rmSync(out, { recursive: true });
    }
    expect(kills).toBeGreaterThan(SEEDS / 2);
  });

  it('is refused when a piece of what it had found is not as it was written', async () => {
    const out = join(directory, 'altered');
    let left = Math.floor(steps * 0.8);
    const step = (): void => {
      if (left-- <= 0) throw new Killed();
    };
    const run = { log, out, isResuming: false, partCount: 1, saveEvery: 2_048, step };
    await expect(runUntilKilled(run)).rejects.toBeInstanceOf(Killed);
    const work = join(out, '.run');
    const piece = join(work, readdirSync(work).find((name) => name.startsWith('piece-')) as string);
    const text = readFileSync(piece, 'utf8');
    const resume = (): Promise<RunManifest> => {
      left = Number.POSITIVE_INFINITY;
      return runUntilKilled({ ...run, isResuming: true });
    };
    const lines = text.trimEnd().split('\n');
    for (const altered of [
      lines.slice(1).join('\n'),
      text.replace('severity', 'Severity'),
      text.slice(0, text.length / 2),
    ]) {
      writeFileSync(piece, altered);
      await expect(resume()).rejects.toMatchObject({ code: 'REPLAY_STATE_INVALID' });
    }
    rmSync(piece);
    await expect(resume()).rejects.toMatchObject({ code: 'REPLAY_STATE_INVALID' });
    expect(existsSync(join(out, 'manifest.json'))).toBe(false);
    writeFileSync(piece, text);
    expect(await resume()).toMatchObject({ outputHash: expected.outputHash });
    expectSameFiles(out);
  });

  it('goes on over the records that it began with, although the log has grown', async () => {
    const grown = join(directory, 'grown-log');
    const out = join(directory, 'grown');
    cpSync(log, grown, { recursive: true });
    const args = ['replay', '--log', grown, '--out', out, '--save-every', '512'];
    // In a pace, so that it is not done before it is killed.
    const child = startProtego(...args, '--speed', '4000');
    const ended = endOf(child);
    const state = join(out, '.run', 'state');
    const until = performance.now() + 60_000;
    while (!existsSync(state) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = protego(...args);
    expect(second).toMatchObject({ status: 2 });
    expect(second.stderr).toContain('REPLAY_OUT_LOCKED');
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    const later = gunzipSync(readFileSync(HISTORY))
      .toString('utf8')
      .split('\n')
      .slice(EVENTS, EVENTS + 200);
    writeFileSync(join(directory, 'later.ndjson'), later.join('\n'));
    const imported = protego('import', '--log', grown, '--format', 'cloudevents', join(directory, 'later.ndjson'));
    expect(imported).toMatchObject({ status: 0 });
    expect(protego(...args, '--resume')).toMatchObject({ status: 0 });
    expect(JSON.parse(fileOf(out, 'manifest.json'))).toMatchObject({
      log: expected.log,
      outputHash: expected.outputHash,
    });
    expectSameFiles(out);
    expect(protego('replay', 'verify', join(out, 'manifest.json'), '--log', grown).stdout).toMatch(/^MATCH\n/);
  });

  it(`survives SIGKILL of its process (${PROCESS_SEEDS} seeds)`, async () => {
    const whole = join(directory, 'whole');
    const startedMs = performance.now();
    expect(protego('replay', '--log', log, '--out', whole)).toMatchObject({ status: 0 });
    const wholeMs = performance.now() - startedMs;
    for (let seed = 1; seed <= PROCESS_SEEDS; seed++) {
      const random = seededRandom(seed);
      const out = join(directory, `process-${seed}`);
      const args = ['replay', '--log', log, '--out', out, '--save-every', '1024', '--workers', String(1 + (seed % 2))];
      const child = startProtego(...args);
      const ended = endOf(child);
      await new Promise((resolve) => setTimeout(resolve, wholeMs * (0.2 + 0.7 * random())));
      child.kill('SIGKILL');
      await ended;
      const left = existsSync(out) ? (readdirSync(out, { recursive: true }) as string[]) : [];
      if (!left.includes('manifest.json')) {
        const isResumable = left.includes(join('.run', 'state'));
        expect(protego(...args, ...(isResumable ? ['--resume'] : []))).toMatchObject({ status: 0 });
      }
      const manifest = JSON.parse(fileOf(out, 'manifest.json')) as RunManifest;
      expect(manifest.outputHash).toBe(expected.outputHash);
      for (const name of ['detections.jsonl', 'evidence.jsonl']) expect(fileOf(out, name)).toBe(fileOf(whole, name));
    }
  });

  it('ends in order on a signal, says how to go on, and goes on', async () => {
    const out = join(directory, 'signalled');
    const args = ['replay', '--log', log, '--out', out, '--save-every', '512'];
    const child = startProtego(...args);
    const ended = endOf(child);
    const until = performance.now() + 60_000;
    const hasState = (): boolean => {
      try {
        return readdirSync(join(out, '.run')).includes('state');
      } catch {
        return false;
      }
    };
    while (!hasState() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGTERM');
    const end = await ended;
    // A run that was done before the signal came has nothing to resume.
    if (end === 0) return;
    expect(end).toBe(2);
    expect(protego(...args, '--resume')).toMatchObject({ status: 0 });
    expect((JSON.parse(fileOf(out, 'manifest.json')) as RunManifest).outputHash).toBe(expected.outputHash);
  });

  it('does not go on from what was written down of another run', () => {
    const out = join(directory, 'other');
    const child = protego('replay', '--log', log, '--out', out, '--resume');
    expect(child).toMatchObject({ status: 2 });
    expect(child.stderr).toContain('holds no run that was interrupted');
  });
});
