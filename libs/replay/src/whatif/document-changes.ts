import { canonicalJson, type SourceDeclarations } from '@protego/contracts';
import type { SigmaContent, SigmaRuleSet } from '@protego/streams';
import { valueChangesOf, type ValueChange } from './value-changes';
import { wordsOfChange } from './document-words';
import { compareText } from '../text-order';

/** The artefacts of one side, compiled and as they were written. */
export interface ArtefactSide {
  readonly rules: SigmaRuleSet;
  /** Of every file of rules, in the order of the files. */
  readonly contents: readonly SigmaContent[];
  readonly declarations: SourceDeclarations;
  readonly placeholders: ReadonlyMap<string, readonly string[]>;
  /** Whether events are judged with what was known of the house when they came, or with all that the log knows. */
  readonly knowledge: 'then' | 'now';
}

/** A document of artefacts that is not the same on both sides. */
export interface DocumentChange {
  /** What differences name it by: the id of a rule, correlation or filter, else a path of declarations. */
  readonly key: string;
  /** The same without the number that tells documents of one id apart. */
  readonly id: string;
  readonly kind: SigmaContent['kind'] | 'placeholders' | 'sources' | 'knowledge';
  readonly title: string;
  /** File, in the candidate where it is there, else in the baseline. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** What changed, in plain words, one sentence part each; empty where all of it came or went. */
  readonly words: readonly string[];
  /** What changed, value by value; empty where all of it came or went. */
  readonly values: readonly ValueChange[];
}

/** A document that a side leaves out. */
export interface LeftOutDocument {
  readonly path: string;
  readonly line: number | null;
  readonly code: string;
  readonly message: string;
}

/** Key of the declarations of sources among documents. */
export const SOURCES_KEY = 'declarations/sources.yaml';
/** Key of what is known of the house, where the sides judge with different knowledge. */
export const KNOWLEDGE_KEY = 'knowledge';
/** Key of the placeholders among documents. */
export const PLACEHOLDERS_KEY = 'declarations/placeholders.yaml';

/** The documents that differ, in the order of their keys. Cases, budgets, comments and the order of keys do not count. */
export function documentChangesOf(baseline: ArtefactSide, candidate: ArtefactSide): DocumentChange[] {
  const [before, after] = [byKey(baseline.contents), byKey(candidate.contents)];
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  const rules = keys.flatMap((key) => changeOf(key, before.get(key), after.get(key)));
  const others = [...declarationChanges(baseline, candidate), ...knowledgeChange(baseline, candidate)];
  return [...rules, ...others].sort((a, b) => compareText(a.key, b.key));
}

function changeOf(key: string, before?: SigmaContent, after?: SigmaContent): DocumentChange[] {
  const shown = after ?? before;
  if (shown === undefined || before?.contentHash === after?.contentHash) return [];
  const { id, kind, title, path } = shown;
  const told = { key, id, kind, title, path };
  if (before === undefined) return [{ ...told, change: 'added', words: [], values: [] }];
  if (after === undefined) return [{ ...told, change: 'removed', words: [], values: [] }];
  return [{ ...told, change: 'changed', ...changesOf(before.content, after.content) }];
}

function declarationChanges(baseline: ArtefactSide, candidate: ArtefactSide): DocumentChange[] {
  const placeholders = [baseline, candidate].map((side) => Object.fromEntries(side.placeholders));
  return [
    ...declarationChange('sources', SOURCES_KEY, 'Declared sources', [baseline.declarations, candidate.declarations]),
    ...declarationChange('placeholders', PLACEHOLDERS_KEY, 'Placeholders of rules', placeholders),
  ];
}

function declarationChange(
  kind: 'sources' | 'placeholders',
  key: string,
  title: string,
  [before, after]: readonly unknown[],
): DocumentChange[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  return [{ key, id: key, kind, title, path: key, change: 'changed', ...changesOf(before, after) }];
}

function knowledgeChange({ knowledge: before }: ArtefactSide, { knowledge: after }: ArtefactSide): DocumentChange[] {
  if (before === after) return [];
  const told = { key: KNOWLEDGE_KEY, id: KNOWLEDGE_KEY, path: KNOWLEDGE_KEY, title: 'What is known of the house' };
  const values = valueChangesOf({ asOf: before }, { asOf: after });
  return [
    {
      ...told,
      kind: 'knowledge',
      change: 'changed',
      words: [`judged as known ${after}, no more as known ${before}`],
      values,
    },
  ];
}

function changesOf(before: unknown, after: unknown): Pick<DocumentChange, 'words' | 'values'> {
  const values = valueChangesOf(before, after);
  return { values, words: values.map(wordsOfChange) };
}

/** Documents by id; one whose id was there before has its number beside it. */
function byKey(contents: readonly SigmaContent[]): Map<string, SigmaContent> {
  const documents = new Map<string, SigmaContent>();
  for (const content of contents) {
    let key = content.id;
    for (let number = 2; documents.has(key); number++) key = `${content.id}#${number}`;
    documents.set(key, content);
  }
  return documents;
}
