import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recogniseWhatIf } from '../whatif/whatif-files';
import { claimOut, recogniseRun } from './run-out';

const MANIFEST = JSON.stringify({
  ...{ version: 1, log: { origin: 'o', root: '00', size: 0 }, artefacts: {}, outputHash: '00' },
  range: { firstSeq: 0, readFrom: 0, emitFrom: null, emitTo: null, by: 'time' },
});

describe('the directory that a run writes to', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'protego-out-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A directory with these files, by their names within it. */
  function directoryWith(files: Readonly<Record<string, string>>): string {
    const path = join(root, 'out');
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(path, name, '..'), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    return path;
  }

  async function claim(path: string, recognise = recogniseRun): Promise<string> {
    let told = 'taken';
    try {
      await (await claimOut(path, recognise, () => (told = 'replaced'))).release();
    } catch (error) {
      told = (error as { code: string }).code;
    }
    return told;
  }

  it('is made where it is not there, and may be empty', async () => {
    const path = join(root, 'new', 'deep');
    expect(await claim(path)).toBe('taken');
    expect(await claim(path)).toBe('taken');
  });

  it('may hold a run that was interrupted, or one that is replaced, which is told', async () => {
    const path = directoryWith({ '.run/state': 'x', '.run/piece-000001.ndjson': '', 'detections.jsonl.partial': '' });
    expect(await claim(path)).toBe('taken');
    writeFileSync(join(path, 'manifest.json'), MANIFEST);
    expect(await claim(path)).toBe('replaced');
  });

  it.each([
    ['the manifest of something else', { 'manifest.json': '{"name":"app","version":"1.0.0"}' }],
    ['a manifest that is no JSON, beside a run', { 'manifest.json': 'mine', '.run/state': 'x' }],
    ['a log', { 'log.json': '{}', 'manifest.json': MANIFEST }],
    ['a log with a folder of the same name', { 'log.json': '{}', '.run/state': 'x' }],
    ['files of somebody', { 'detections.jsonl': 'mine' }],
    ['a folder of the same name with other things in it', { '.run/main.sh': 'mine' }],
  ])('is refused when it holds %s, and left as it was', async (_what, files) => {
    const path = directoryWith(files);
    expect(await claim(path)).toBe('REPLAY_OUT_TAKEN');
    for (const name of Object.keys(files)) expect(existsSync(join(path, name))).toBe(true);
  });

  it('is refused when it is a file, or lies in one', async () => {
    writeFileSync(join(root, 'file'), 'mine');
    expect(await claim(join(root, 'file'))).toBe('USAGE_INVALID');
    expect(await claim(join(root, 'file', 'sub'))).toBe('USAGE_INVALID');
    expect(readdirSync(root)).toEqual(['file']);
  });

  it('is for one run at a time', async () => {
    const path = join(root, 'out');
    const lock = await claimOut(path, recogniseRun, () => undefined);
    expect(await claim(path)).toBe('REPLAY_OUT_LOCKED');
    await lock.release();
    expect(await claim(path)).toBe('taken');
  });

  it('is given back when it is refused', async () => {
    const path = directoryWith({ 'notes.txt': 'mine' });
    expect(await claim(path)).toBe('REPLAY_OUT_TAKEN');
    rmSync(join(path, 'notes.txt'));
    expect(await claim(path)).toBe('taken');
  });

  it('of a what-if may hold the runs of one that was interrupted, and nothing of somebody else', async () => {
    expect(await claim(directoryWith({ 'baseline/manifest.json': MANIFEST }), recogniseWhatIf)).toBe('taken');
    for (const name of ['diff.json', 'report.html', 'change-record.note', 'log.json']) {
      const path = directoryWith({ [name]: 'mine' });
      expect([name, await claim(path, recogniseWhatIf)]).toEqual([name, 'REPLAY_OUT_TAKEN']);
      rmSync(join(path, name));
    }
  });
});
