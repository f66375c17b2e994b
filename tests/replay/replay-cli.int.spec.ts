import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunComparison, RunManifest } from '@protego/replay';
import { canonicalJson } from '@protego/contracts';
import { merkleRootOf } from '@protego/event-log';
import { importHistory } from '../history-log';
import { linesOfHistory, writeLines } from './invariance';
import { protego } from './replay-process';

const ROOT = join(__dirname, '../..');
const HISTORY = join(ROOT, 'replay-data/general');

/** A command that was started, as far as it matters here. */
interface StartedProcess {
  readonly type: string;
  readonly data: {
    readonly actor?: { readonly user?: { readonly uid?: string } };
    readonly process?: { cmd_line?: string };
  };
}

/** Lines of the history in which each command of a person names the person, so that the text is sealed with the person's key. */
function withNamesInCommands(): string[] {
  return linesOfHistory(HISTORY).map((line) => {
    const event = JSON.parse(line) as StartedProcess;
    const uid = personOf(event);
    const { process } = event.data;
    if (uid === undefined || process?.cmd_line === undefined) return line;
    process.cmd_line += ` ${uid}`;
    return canonicalJson(event);
  });
}

function personOf({ type, data }: StartedProcess): string | undefined {
  const uid = data.actor?.user?.uid;
  return type === 'device.process-started' && uid?.startsWith('p-') ? uid : undefined;
}

/** Commands by which something is found. */
const ATTACKING = /ntds|comsvcs|vssadmin|wevtutil|wbadmin|bcdedit|auditpol| -e(nc)? |hidden/i;

function personsInCommands(): string[] {
  const persons = linesOfHistory(HISTORY)
    .map((line) => JSON.parse(line) as StartedProcess)
    .filter(({ data }) => ATTACKING.test(data.process?.cmd_line ?? ''))
    .map(personOf);
  return [...new Set(persons.filter((uid) => uid !== undefined))].slice(0, 4);
}

jest.setTimeout(600_000);

describe('protego replay', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-replay-cli-'));
  const log = join(directory, 'log');
  const run = join(directory, 'run');
  let recorded: RunManifest;

  beforeAll(async () => {
    await importHistory(log, 'cloudevents', [writeLines(join(directory, 'events.ndjson'), withNamesInCommands())]);
    const made = protego('replay', '--log', log, '--out', run, '--json');
    expect(made).toMatchObject({ status: 0 });
    recorded = JSON.parse(made.stdout) as RunManifest;
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const linesOf = (out: string, name: string): string[] =>
    readFileSync(join(out, name), 'utf8').split('\n').slice(0, -1);

  it.each([2, 3, 4])('writes the same files with %i threads', (workers) => {
    const out = join(directory, `threads-${workers}`);
    const made = protego('replay', '--log', log, '--out', out, '--workers', String(workers));
    expect(made).toMatchObject({ status: 0 });
    for (const name of ['manifest.json', 'detections.jsonl', 'evidence.jsonl', 'coverage.jsonl'])
      expect([name, linesOf(out, name)]).toEqual([name, linesOf(run, name)]);
  });

  it('begins at snapshots that a run has left in the log, and finds the same', () => {
    const copy = join(directory, 'with-snapshots');
    cpSync(log, copy, { recursive: true });
    const first = join(directory, 'first');
    expect(protego('replay', '--log', copy, '--out', first, '--save-snapshots', '4096')).toMatchObject({ status: 0 });
    const from = linesOf(run, 'detections.jsonl').map(
      (line) => (JSON.parse(line) as { certainAt: string }).certainAt,
    )[20];
    const out = join(directory, 'later');
    const made = protego('replay', '--log', copy, '--out', out, '--from', String(from), '--json');
    const manifest = JSON.parse(made.stdout) as RunManifest;
    expect(manifest.range.readFrom).toBeGreaterThan(0);
    expect(linesOf(out, 'detections.jsonl')).toEqual(
      linesOf(run, 'detections.jsonl').filter(
        (line) => (JSON.parse(line) as { certainAt: string }).certainAt >= String(from),
      ),
    );
    expect(protego('replay', 'verify', join(out, 'manifest.json'), '--log', copy).stdout).toMatch(/^MATCH\n/);
  });

  it('gives by seq what was found while those records were judged', () => {
    const middle = Math.floor(recorded.log.size / 2);
    const ends = [join(directory, 'before'), join(directory, 'after')] as const;
    expect(protego('replay', '--log', log, '--out', ends[0], '--to', String(middle))).toMatchObject({ status: 0 });
    expect(protego('replay', '--log', log, '--out', ends[1], '--from', String(middle))).toMatchObject({ status: 0 });
    const both = ends.flatMap((out) => linesOf(out, 'detections.jsonl'));
    expect([...both].sort()).toEqual([...linesOf(run, 'detections.jsonl')].sort());
    expect(protego('replay', 'verify', join(ends[0], 'manifest.json'), '--log', log).stdout).toMatch(/^MATCH\n/);
  });

  it('refuses bounds of two kinds, unknown knowledge and too many threads', () => {
    const refused = (...args: string[]): unknown =>
      protego('replay', '--log', log, '--out', join(directory, 'refused'), ...args).status;
    expect(refused('--from', '5', '--to', '2026-03-02T08:00:00Z')).toBe(2);
    expect(refused('--knowledge', 'later')).toBe(2);
    expect(refused('--workers', '17')).toBe(2);
    expect(refused('--from', 'yesterday')).toBe(2);
    expect(existsSync(join(directory, 'refused', 'manifest.json'))).toBe(false);
  });

  it('refuses numbers and ranges that make no sense, and an output that is no directory', () => {
    const refused = (...args: string[]): readonly [number | null, string] => {
      const { status, stderr } = protego('replay', '--log', log, '--out', join(directory, 'refused'), ...args);
      return [status, stderr];
    };
    const usage = [2, expect.stringContaining('USAGE_INVALID') as string];
    expect(refused('--save-every', '0')).toEqual(usage);
    expect(refused('--chunk', '-5')).toEqual(usage);
    expect(refused('--save-snapshots', '0.5')).toEqual(usage);
    expect(refused('--from', '500', '--to', '100')).toEqual(usage);
    const file = join(directory, 'file');
    writeFileSync(file, 'mine');
    expect(refused('--out', file)).toEqual(usage);
    expect(refused('--out', join(file, 'sub'))).toEqual(usage);
    expect(existsSync(join(directory, 'refused'))).toBe(false);
  });

  it('leaves alone what is not a run, and replaces one with a word', () => {
    const own = join(log, 'log.json');
    const before = readFileSync(own, 'utf8');
    const taken = protego('replay', '--log', log, '--out', log);
    expect(taken).toMatchObject({ status: 2, stderr: expect.stringContaining('REPLAY_OUT_TAKEN') as string });
    expect(readFileSync(own, 'utf8')).toBe(before);
    const args = ['replay', '--log', log, '--out', join(directory, 'empty'), '--from', String(recorded.log.size)];
    expect(protego(...args)).toMatchObject({ status: 0, stderr: expect.stringContaining('beyond the log') as string });
    expect(protego(...args).stderr).toContain('replaces the run');
  });

  describe('verify', () => {
    const verify = (manifest: string, ...args: string[]): ReturnType<typeof protego> =>
      protego('replay', 'verify', manifest, '--log', log, '--json', ...args);

    it('says MATCH for what it was made from', () => {
      const verified = verify(join(run, 'manifest.json'));
      expect(verified).toMatchObject({ status: 0 });
      expect(JSON.parse(verified.stdout)).toMatchObject({
        ...{ verdict: 'MATCH', preserved: recorded.counts.detections, undecidable: 0, differing: 0 },
        engineDiffers: false,
      });
    });

    it('names the first line that differs', () => {
      const forged = join(directory, 'forged');
      mkdirSync(forged);
      const lines = linesOf(run, 'detections.jsonl');
      const kept = lines.filter((_, i) => i !== 4);
      writeFileSync(join(forged, 'detections.jsonl'), kept.map((line) => `${line}\n`).join(''));
      copyFileSync(join(run, 'manifest.json'), join(forged, 'manifest.json'));
      const caught = verify(join(forged, 'manifest.json'));
      expect(caught).toMatchObject({ status: 2 });
      expect(caught.stderr).toContain('MANIFEST_INVALID');
      // With the manifest rewritten to fit, only running it again tells.
      const outputHash = /"found":"([0-9a-f]{64})"/.exec(caught.stderr)?.[1] as string;
      const counts = { ...recorded.counts, detections: kept.length };
      writeFileSync(join(forged, 'manifest.json'), JSON.stringify({ ...recorded, outputHash, counts }));
      const found = verify(join(forged, 'manifest.json'));
      expect(found).toMatchObject({ status: 1 });
      expect(JSON.parse(found.stdout)).toMatchObject({
        ...{ verdict: 'DIFFERS', preserved: kept.length, differing: 1 },
        first: { side: 'again', place: 5, line: lines[4] },
      });
    });

    it('compares every file, and says where one differs', () => {
      const forged = join(directory, 'forged-files');
      const forge = (name: string, change: (text: string) => string): ReturnType<typeof protego> => {
        cpSync(run, forged, { recursive: true });
        writeFileSync(join(forged, name), change(readFileSync(join(run, name), 'utf8')));
        const found = verify(join(forged, 'manifest.json'));
        rmSync(forged, { recursive: true });
        return found;
      };
      const forgeries: [string, (text: string) => string][] = [
        ['evidence.jsonl', (text) => text.replace(/"seqs":\[\d+/, '"seqs":[1')],
        ['coverage.jsonl', () => '{"kind":"run","erased":{"count":0}}\n'],
        ['manifest.json', (text) => text.replace(/"late":\d+/, '"late":77')],
      ];
      for (const [name, change] of forgeries) {
        const found = forge(name, change);
        expect(found).toMatchObject({ status: 1 });
        expect(JSON.parse(found.stdout)).toMatchObject({ verdict: 'DIFFERS', differing: 0, first: { file: name } });
      }
      const unlike = forge('manifest.json', (text) => text.replace('"counts"', '"count"'));
      expect(unlike).toMatchObject({ status: 2 });
      expect(unlike.stderr).toContain('MANIFEST_INVALID');
    });

    it('says what to name instead of what is no manifest', () => {
      for (const path of [run, '/nonexistent', join(run, 'detections.jsonl')]) {
        const refused = verify(path);
        expect(refused).toMatchObject({ status: 2 });
        expect(refused.stderr).toContain('MANIFEST_INVALID');
      }
    });

    it('refuses other rules and another log', async () => {
      const rules = join(directory, 'rules');
      cpSync(join(ROOT, 'streams/rules'), rules, { recursive: true });
      rmSync(join(rules, 'beaconing.yml'), { force: true });
      rmSync(join(rules, 'backups-deleted.yml'));
      expect(verify(join(run, 'manifest.json'), '--rules', rules).stderr).toContain('REPLAY_ARTEFACTS_DIFFER');
      const other = join(directory, 'other-log');
      await importHistory(other, 'cloudevents', [join(HISTORY, 'events.ndjson.gz')]);
      const caught = protego('replay', 'verify', join(run, 'manifest.json'), '--log', other, '--json');
      expect(caught).toMatchObject({ status: 2 });
      expect(caught.stderr).toContain('REPLAY_LOG_DIFFERS');
    });
  });

  /** Erases a person by name, by the token of staff where the name is that of a patient as well. */
  function eraseFrom(erasedLog: string, person: string): void {
    const reason = ['--reason', 'request 7', '--receipt', join(directory, `${person}.json`)];
    const erase = (subject: string): ReturnType<typeof protego> =>
      protego('log', 'erase', '--log', erasedLog, '--subject', subject, ...reason);
    const asked = erase(person);
    const token = /~s\.[A-Za-z0-9_-]{22}/.exec(asked.stderr)?.[0];
    expect(asked.status === 2 && token !== undefined ? erase(token) : asked).toMatchObject({ status: 0 });
  }

  describe('after an erasure', () => {
    const erased = join(directory, 'erased-log');
    let comparison: RunComparison;

    beforeAll(() => {
      cpSync(log, erased, { recursive: true });
      for (const person of personsInCommands()) eraseFrom(erased, person);
      const verified = protego('replay', 'verify', join(run, 'manifest.json'), '--log', erased, '--json');
      expect(verified).toMatchObject({ status: 0 });
      comparison = JSON.parse(verified.stdout) as RunComparison;
    });

    it('an older manifest matches but for what was erased, each line counted', () => {
      const { verdict, preserved, undecidable, differing, exceptions } = comparison;
      expect([verdict, differing]).toEqual(['MATCH-EXCEPT-ERASED', 0]);
      expect(undecidable).toBeGreaterThan(0);
      expect(exceptions).toHaveLength(undecidable);
      const gone = exceptions.filter(({ side }) => side === 'recorded').length;
      expect(preserved + gone).toBe(recorded.counts.detections);
      expect(preserved).toBeGreaterThan(recorded.counts.detections / 2);
    });

    it('finds a line that was deleted although the run makes it again', () => {
      const forged = join(directory, 'forged-after-erasure');
      cpSync(run, forged, { recursive: true });
      const gone = new Set(comparison.exceptions.map(({ line }) => line));
      const undecidable = new Set(
        comparison.exceptions.map(({ line }) => (JSON.parse(line) as { ruleId: string }).ruleId),
      );
      const lines = linesOf(run, 'detections.jsonl');
      const at = lines.findIndex(
        (line) => !gone.has(line) && undecidable.has((JSON.parse(line) as { ruleId: string }).ruleId),
      );
      const dropped = at < 0 ? lines.findIndex((line) => !gone.has(line)) : at;
      for (const name of ['detections.jsonl', 'evidence.jsonl']) {
        const kept = linesOf(run, name).filter((_, i) => i !== dropped);
        writeFileSync(join(forged, name), kept.map((line) => `${line}\n`).join(''));
      }
      const left = lines.filter((_, i) => i !== dropped);
      writeFileSync(join(forged, 'manifest.json'), JSON.stringify({ ...recorded, outputHash: merkleRootOf(left) }));
      const found = protego('replay', 'verify', join(forged, 'manifest.json'), '--log', erased, '--json');
      expect(found).toMatchObject({ status: 1 });
      expect(JSON.parse(found.stdout)).toMatchObject({
        verdict: 'DIFFERS',
        first: { side: 'again', line: lines[dropped] },
      });
    });

    it('every root and proof of the log holds', () => {
      expect(protego('log', 'verify', '--log', erased)).toMatchObject({ status: 0 });
    });

    it('a run of afterwards says what it could not judge, and matches itself', () => {
      const out = join(directory, 'after-erasure');
      const made = protego('replay', '--log', erased, '--out', out, '--json');
      const manifest = JSON.parse(made.stdout) as RunManifest;
      expect(manifest.erasuresAt).toBeGreaterThan(recorded.erasuresAt);
      expect(manifest.counts.undecidable).toBeGreaterThan(0);
      expect(linesOf(out, 'undecidable.jsonl').length).toBe(manifest.counts.undecidable);
      const [whole] = linesOf(out, 'coverage.jsonl').map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(whole).toMatchObject({ kind: 'run', erased: { count: expect.any(Number) as number } });
      expect(protego('replay', 'verify', join(out, 'manifest.json'), '--log', erased).stdout).toMatch(/^MATCH\n/);
    });
  });
});
