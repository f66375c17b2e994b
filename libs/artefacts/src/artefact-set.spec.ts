import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { artefactHash, loadArtefactSet, loadSourceDeclarations } from './artefact-set';
import { RULE_BYTES_MAX, loadRuleFiles } from './rule-files';
import { loadStreamDeclarations, parseStreamDeclarations } from './stream-declarations';

const root = mkdtempSync(join(tmpdir(), 'protego-artefacts-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Buffer): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

const failure = (act: () => unknown): unknown => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('loadRuleFiles', () => {
  it('reads a tree, sorted by code units, without hidden and other files', () => {
    for (const name of ['b.yml', 'B.yaml', 'a/z.yml', 'a.md', '.git/x.yml', 'é.yml', 'a-1.yml'])
      write(`tree/${name}`, `title: ${name}`);
    symlinkSync(join(root, 'tree/b.yml'), join(root, 'tree/link.yml'));
    symlinkSync(join(root, 'tree'), join(root, 'tree/round'));
    const files = loadRuleFiles(join(root, 'tree'));
    expect(files.map(({ path }) => path)).toEqual(['B.yaml', 'a-1.yml', 'a/z.yml', 'b.yml', 'link.yml', 'é.yml']);
    expect(files[2]?.text).toBe('title: a/z.yml');
  });

  it('reads one YAML file, and JSON lines, plain or gzip', () => {
    expect(loadRuleFiles(write('one/only.yml', 'title: x'))).toEqual([{ path: 'only.yml', text: 'title: x' }]);
    const lines = '{"path":"b.yml","id":"2","yaml":"title: b"}\n\n{"path":"a.yml","id":"1","yaml":"title: a"}\r\n';
    const expected = [
      { path: 'a.yml', text: 'title: a' },
      { path: 'b.yml', text: 'title: b' },
    ];
    expect(loadRuleFiles(write('pack.jsonl', lines))).toEqual(expected);
    expect(loadRuleFiles(write('pack.jsonl.gz', gzipSync(lines)))).toEqual(expected);
  });

  it.each([
    ['a missing path', () => join(root, 'nowhere'), 'cannot be read'],
    ['a line without yaml', () => write('bad.jsonl', '{"path":"a","yaml":"x"}\n{"path":"a"}\n'), 'bad.jsonl:2'],
    ['a line that is not JSON', () => write('bad2.jsonl', 'title: x'), 'bad2.jsonl:1'],
    ['a damaged archive', () => write('cut.gz', gzipSync('{"path":"a","yaml":"x"}').subarray(0, 20)), 'cannot be read'],
    ['a huge rule', () => dirname(write('huge/a.yml', 'x'.repeat(RULE_BYTES_MAX + 1))), 'larger than'],
    ['a rule that is not UTF-8', () => dirname(write('latin/a.yml', Buffer.from([0xe9]))), 'not UTF-8'],
  ])('refuses %s', (_, path, problem) => {
    expect(failure(() => loadRuleFiles(path()))).toMatchObject({
      code: 'ARTEFACT_INVALID',
      message: expect.stringContaining(problem),
    });
  });
});

describe('artefactHash', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const file = fc.record({ path: fc.string({ unit: 'grapheme' }), text: fc.string({ unit: 'grapheme' }) });

  it('is the digest of paths and digests', () => {
    const text = `[{"path":"a","sha256":"${sha256('1')}"},{"path":"b","sha256":"${sha256('2')}"}]`;
    const files = [
      { path: 'b', text: '2' },
      { path: 'a', text: '1' },
    ];
    expect(artefactHash(files)).toBe(sha256(text));
  });

  it('depends on every path and text, and not on the order', () => {
    fc.assert(
      fc.property(fc.array(file, { minLength: 1 }), fc.nat(), (files, drawn) => {
        const changed = drawn % files.length;
        const hash = artefactHash(files);
        expect(artefactHash([...files].reverse())).toBe(hash);
        for (const key of ['path', 'text'] as const) {
          const others = files.map((entry, i) => (i === changed ? { ...entry, [key]: `${entry[key]}x` } : entry));
          expect(artefactHash(others)).not.toBe(hash);
        }
      }),
    );
  });
});

describe('declarations', () => {
  const sources = 'skewMaxMs: 1000\ndefaults: { latenessMs: 1, idleAfterMs: 2 }\nsources: []\n';
  const stream = (changes: object = {}): object => ({
    name: 'IN',
    description: 'events',
    subjects: ['a.*.in.>'],
    retention: 'workqueue',
    maxAgeMs: 1000,
    maxBytes: 1,
    discard: 'new',
    duplicateWindowMs: 1000,
    ...changes,
  });

  it('are read with the rules and hashed apart', () => {
    write('house/declarations/sources.yaml', sources);
    const rulesPath = dirname(write('house/rules/a.yml', 'title: a'));
    const streamsDir = join(root, 'house');
    const decidingText = ({ text }: { text: string }): string => text.replace(/#.*/g, '');
    const places = { rulesPath, streamsDir, decidingText };
    const set = loadArtefactSet(places);
    expect(set.rules).toEqual([{ path: 'a.yml', text: 'title: a' }]);
    expect(set.declarations).toEqual(loadSourceDeclarations(streamsDir));
    expect(set.hashes).toEqual({
      rules: artefactHash(set.rules),
      sources: artefactHash([{ path: 'sources.yaml', text: sources }]),
    });
    write('house/rules/a.yml', 'title: a# that decides nothing');
    expect(loadArtefactSet(places)).toMatchObject({
      rules: [{ path: 'a.yml', text: 'title: a# that decides nothing' }],
      hashes: { rules: set.hashes['rules'] },
    });
    write('house/declarations/sources.yaml', `${sources}# a word\n`);
    expect(loadArtefactSet(places).hashes['rules']).toBe(set.hashes['rules']);
    expect(loadArtefactSet(places).hashes['sources']).not.toBe(set.hashes['sources']);
  });

  it('of streams are read, stored in files where nothing else is said', () => {
    write('house/declarations/streams.yaml', JSON.stringify({ streams: [stream()] }));
    expect(loadStreamDeclarations(join(root, 'house'))).toEqual([stream({ storage: 'file' })]);
  });

  it.each([
    ['an unknown key', [stream({ maxage: 1 })], '`streams.0.maxage` is not a known key'],
    ['a missing key', [{ name: 'IN' }], '`streams.0`'],
    ['a wrong subject', [stream({ subjects: ['a..b'] })], '`streams.0.subjects.0`'],
    ['a repeated name', [stream(), stream()], 'is declared twice'],
    ['a window longer than the age', [stream({ duplicateWindowMs: 1001 })], 'for longer than messages'],
  ])('of streams with %s are refused', (_, streams, problem) => {
    expect(failure(() => parseStreamDeclarations(JSON.stringify({ streams }), 's.yaml'))).toMatchObject({
      code: 'DECLARATION_INVALID',
      message: expect.stringContaining(problem),
    });
  });

  it('name the line of a mistake', () => {
    const text = 'streams:\n  - name: IN\n    description: x\n    retentoin: limits\n';
    expect(failure(() => parseStreamDeclarations(text, 's.yaml'))).toMatchObject({ code: 'DECLARATION_INVALID' });
    const [message] = [String(failure(() => parseStreamDeclarations('streams:\n  - 5\n', 's.yaml')))];
    expect(message).toContain('s.yaml:2: ');
  });

  it('that the product ships are valid', () => {
    const shipped = join(__dirname, '../../../streams');
    expect(loadStreamDeclarations(shipped).map(({ name }) => name)).toContain('PROTEGO_IN');
    expect(loadRuleFiles(join(shipped, 'rules')).length).toBeGreaterThan(0);
  });
});
