import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { artefactSetHash } from '@protego/contracts';
import { thrownCodeOf } from '@protego/contracts/testing';
import { resolveArtefactSet } from './artefact-choice';
import { loadArtefactSet, type ArtefactSet } from './artefact-set';
import { ArtefactStore } from './artefact-store';

const root = mkdtempSync(join(tmpdir(), 'protego-store-'));
afterAll(() => rmSync(root, { recursive: true }));

const SOURCES = 'skewMaxMs: 1000\ndefaults: { latenessMs: 1, idleAfterMs: 2 }\nsources: []\n';
const decidingText = ({ text }: { text: string }): string => text.replace(/#.*/g, '');
let houses = 0;

/** A streams directory of its own. */
function house(rules: Record<string, string>, placeholders?: string): string {
  const directory = join(root, `house-${houses++}`);
  const files: Record<string, string> = { 'declarations/sources.yaml': SOURCES };
  if (placeholders !== undefined) files['declarations/placeholders.yaml'] = placeholders;
  for (const [path, text] of Object.entries(rules)) files[`rules/${path}`] = text;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}
const setOf = (streamsDir: string): ArtefactSet =>
  loadArtefactSet({ rulesPath: join(streamsDir, 'rules'), streamsDir, decidingText });
const newStore = (): ArtefactStore => new ArtefactStore(join(root, `store-${houses++}`), decidingText);

describe('ArtefactStore', () => {
  it('gives back what was put, under a name that is the hash of its hashes', () => {
    const store = newStore();
    const set = setOf(house({ 'a.yml': 'title: a', 'deep/b.yml': '\uFEFFtitle: é' }, 'placeholders: { x: [y] }\n'));
    expect(store.put(set)).toBe(artefactSetHash(set.hashes));
    expect(store.get(set.set)).toEqual(set);
    expect([store.list(), store.stateOf(set.set)]).toEqual([[set.set], 'stored']);
  });

  it('stores read-only files, once', () => {
    const store = newStore();
    const set = setOf(house({ 'a.yml': 'title: a' }));
    store.put(set);
    const file = join(store.directory, set.set, 'rules/a.yml');
    const before = statSync(file);
    expect(before.mode & 0o222).toBe(0);
    store.put(set);
    expect(statSync(file).ino).toBe(before.ino);
    expect(readdirSync(store.directory)).toEqual([set.set]);
  });

  it('has one name for sets that decide the same, and keeps the words of the first', () => {
    const store = newStore();
    const first = setOf(house({ 'a.yml': 'title: a' }));
    const second = setOf(house({ 'a.yml': 'title: a# a word' }));
    expect(second.set).toBe(first.set);
    store.put(first);
    store.put(second);
    expect(store.get(first.set).rules).toEqual(first.rules);
  });

  it('holds a set without rules', () => {
    const store = newStore();
    const directory = house({});
    mkdirSync(join(directory, 'rules'));
    expect(store.get(store.put(setOf(directory))).rules).toEqual([]);
  });

  const damages: [string, (directory: string) => void][] = [
    ['an altered rule', (at) => rewrite(join(at, 'rules/a.yml'), 'title: b')],
    ['an altered word that decides nothing', (at) => rewrite(join(at, 'rules/a.yml'), 'title: a# word')],
    ['a rule more', (at) => writeFileSync(join(at, 'rules/b.yml'), 'title: b')],
    ['a rule less', (at) => rmSync(join(at, 'rules/a.yml'))],
    ['altered declarations', (at) => rewrite(join(at, 'declarations/sources.yaml'), `${SOURCES}# x\n`)],
    [
      'placeholders that were added',
      (at) => writeFileSync(join(at, 'declarations/placeholders.yaml'), 'placeholders: {}'),
    ],
    ['no list of files', (at) => rmSync(join(at, 'files.json'))],
    ['the files of another set', (at) => swap(at)],
  ];
  const rewrite = (path: string, text: string): void => {
    chmodSync(path, 0o644);
    writeFileSync(path, text);
  };
  const swap = (at: string): void => {
    const other = newStore();
    const name = other.put(setOf(house({ 'a.yml': 'title: other' })));
    for (const file of ['files.json', 'rules/a.yml'])
      rewrite(join(at, file), readFileSync(join(other.directory, name, file), 'utf8'));
  };

  it.each(damages)('finds %s, and mends it when the set is put again', (_, damage) => {
    const store = newStore();
    const set = setOf(house({ 'a.yml': 'title: a' }));
    store.put(set);
    damage(join(store.directory, set.set));
    expect([thrownCodeOf(() => store.get(set.set)), store.stateOf(set.set)]).toEqual([
      'ARTEFACT_SET_DAMAGED',
      'damaged',
    ]);
    store.put(set);
    expect(store.get(set.set)).toEqual(set);
    expect(readdirSync(store.directory)).toEqual([set.set]);
  });

  it.each(['../escape.yml', '/root.yml', 'a/../../b.yml', '.hidden.yml', 'a\\b.yml', 'rule.txt'])(
    'refuses a rule of a pack at `%s`',
    (path) => {
      const store = newStore();
      const pack = join(root, `pack-${houses++}.jsonl`);
      writeFileSync(pack, `${JSON.stringify({ path, yaml: 'title: x' })}\n`);
      const set = loadArtefactSet({ rulesPath: pack, streamsDir: house({}), decidingText });
      expect(thrownCodeOf(() => store.put(set))).toBe('ARTEFACT_INVALID');
      expect(existsSync(store.directory) ? readdirSync(store.directory) : []).toEqual([]);
    },
  );

  it('does not know what was never put, nor names that are none', () => {
    const store = newStore();
    for (const name of ['0'.repeat(64), '../x', ''])
      expect(thrownCodeOf(() => store.get(name))).toBe('ARTEFACT_SET_UNKNOWN');
    expect(store.list()).toEqual([]);
  });
});

describe('resolveArtefactSet', () => {
  const store = newStore();
  const streamsDir = house({ 'own.yml': 'title: own' });
  const other = house({ 'a.yml': 'title: a' });
  const search = { streamsDir, decidingText, store };
  const name = store.put(setOf(other));

  it('takes a hash, eight digits of it, a whole directory, rules in a directory or file', () => {
    for (const text of [name, name.slice(0, 8), other]) expect(resolveArtefactSet(text, search).set).toBe(name);
    for (const text of [join(other, 'rules'), join(other, 'rules/a.yml')])
      expect(resolveArtefactSet(text, search)).toMatchObject({
        rules: [{ path: 'a.yml' }],
        texts: { sources: SOURCES },
      });
  });

  it('takes what a directory lacks from the one with the streams', () => {
    const rulesOnly = house({ 'b.yml': 'title: b' });
    rmSync(join(rulesOnly, 'declarations'), { recursive: true });
    expect(resolveArtefactSet(rulesOnly, search)).toMatchObject({
      rules: [{ path: 'b.yml' }],
      texts: { sources: SOURCES },
    });
    const declarationsOnly = house({ 'c.yml': 'title: c' });
    rmSync(join(declarationsOnly, 'rules'), { recursive: true });
    expect(resolveArtefactSet(declarationsOnly, search)).toMatchObject({ rules: [{ path: 'own.yml' }] });
  });

  it('refuses what names nothing, too short a hash, and one that is not clear', () => {
    expect(thrownCodeOf(() => resolveArtefactSet(name.slice(0, 7), search))).toBe('ARTEFACT_SET_UNKNOWN');
    mkdirSync(join(store.directory, name.slice(0, 8) + 'f'.repeat(56)), { recursive: true });
    expect(thrownCodeOf(() => resolveArtefactSet(name.slice(0, 8), search))).toBe('ARTEFACT_SET_UNKNOWN');
    expect(resolveArtefactSet(name, search).set).toBe(name);
  });
});
