import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlaceholders, loadRuleFiles } from '@protego/artefacts';
import { DETECTOR_RULES, compileSigma } from '@protego/streams';
import { parseAllDocuments } from 'yaml';
import { silentDocumentsOf } from '../eval/rule-coverage';

const STREAMS = join(__dirname, '..', 'streams');
/** The most severe first, as the table has them. */
const LEVELS = ['critical', 'high', 'medium', 'low'];
const NO_LEVEL = '—';

const files = loadRuleFiles(join(STREAMS, 'rules'));
const placeholders = loadPlaceholders(join(STREAMS, 'declarations', 'placeholders.yaml'));
const silentIds = new Set(silentDocumentsOf(compileSigma(files, { placeholders })).map(({ id }) => id));

interface RuleDocument {
  readonly id: string;
  readonly level: string;
}

/** Levels of what a file raises on its own, in words of the table. */
function levelsOf(text: string): string {
  const documents = parseAllDocuments(text).map((document) => document.toJS() as RuleDocument);
  const raised = documents.filter(({ id }) => !silentIds.has(id)).map(({ level }) => level);
  return LEVELS.filter((level) => raised.includes(level)).join(', ') || NO_LEVEL;
}

const inPack = files.map(({ path, text }) => `${path.split('/').at(-1) as string}: ${levelsOf(text)}`);
const table = readFileSync(join(STREAMS, 'rules', 'README.md'), 'utf8');
const inTable = [...table.matchAll(/^\| `([\w-]+\.yml)` +\| .* \| +([^|]+?) +\|$/gm)].map(
  ([, file, levels]) => `${file as string}: ${levels as string}`,
);

describe('table of the rule pack', () => {
  it('names every file once with the levels of what it raises, and none that is gone', () => {
    expect(inTable.toSorted()).toEqual(inPack.toSorted());
  });

  it('says what each file finds', () => {
    const finds = [...table.matchAll(/^\| `[\w-]+\.yml` +\| (.*?) +\|/gm)].map(([, words]) => words as string);
    expect(finds.filter((words) => words.length < 15)).toEqual([]);
  });
});

describe('table of the detectors', () => {
  it('names every detector with its level and what it is tagged with, and none that is gone', () => {
    const reference = readFileSync(join(__dirname, '..', 'docs', 'reference', 'detectors.md'), 'utf8');
    const listed = [...reference.matchAll(/^\| `([\w-]+)` +\| .* \| +(\w+) +\| +(T[^|]+?) +\|$/gm)].map(
      ([, ...cells]) => cells.join(': '),
    );
    const shipped = DETECTOR_RULES.map(({ id, level, attack }) =>
      [id, level, attack.filter((tag) => tag.startsWith('T')).join(', ')].join(': '),
    );
    expect(listed.toSorted()).toEqual(shipped.toSorted());
  });
});
