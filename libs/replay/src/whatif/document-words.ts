import type { ValueChange } from './value-changes';

/** What a place of a rule is called by people who do not read YAML; the longest path that fits says it. */
const NAMES: readonly (readonly [path: readonly string[], name: string])[] = [
  [['level'], 'level'],
  [['title'], 'title'],
  [['status'], 'status'],
  [['description'], 'description'],
  [['tags'], 'tags'],
  [['logsource'], 'log source'],
  [['falsepositives'], 'harmless explanations'],
  [['fields'], 'fields'],
  [['correlation', 'timespan'], 'time window'],
  [['correlation', 'group-by'], 'grouped by'],
  [['correlation', 'rules'], 'rules that it is about'],
  [['correlation', 'type'], 'what is measured'],
  [['correlation', 'generate'], 'whether the rules below raise detections of their own'],
  [['correlation', 'aliases'], 'field aliases'],
  [['correlation', 'condition'], 'condition'],
  [['correlation', 'condition', 'gt'], 'threshold (more than)'],
  [['correlation', 'condition', 'gte'], 'threshold (at least)'],
  [['correlation', 'condition', 'lt'], 'threshold (less than)'],
  [['correlation', 'condition', 'lte'], 'threshold (at most)'],
  [['correlation', 'condition', 'eq'], 'threshold (exactly)'],
  [['correlation', 'condition', 'neq'], 'threshold (anything but)'],
  [['correlation', 'condition', 'field'], 'field that is measured'],
  [['detection', 'condition'], 'condition'],
  [['filter', 'condition'], 'condition'],
  [['filter', 'rules'], 'rules that it applies to'],
  [['protego', 'suppress'], 'time without another detection of the same group'],
  [['protego', 'confidence'], 'confidence'],
  [['protego', 'why'], 'words of what happened'],
  [['protego', 'nextStep'], 'words of what to do'],
  [['protego', 'harmlessExplanation'], 'words of a harmless explanation'],
  [['protego', 'entities'], 'who and what it names'],
  [['skewMaxMs'], 'greatest skew (ms)'],
];

/** Parts of a rule whose members are selections. */
const SELECTIONS: ReadonlySet<string> = new Set(['detection', 'filter']);

/** A change in plain words, such as "time window from 4h to 2h". */
export function wordsOfChange({ path, baseline, candidate }: ValueChange): string {
  const name = nameOf(path);
  if (baseline === null) return `${name}: ${plain(candidate)} added`;
  if (candidate === null) return `${name}: ${plain(baseline)} removed`;
  return `${name} from ${plain(baseline)} to ${plain(candidate)}`;
}

function nameOf(path: readonly string[]): string {
  const fitting = NAMES.filter(([place]) => place.every((key, at) => path[at] === key));
  const [place, name] = fitting.reduce<(typeof NAMES)[number] | readonly []>(
    (best, entry) => (entry[0].length > (best[0]?.length ?? 0) ? entry : best),
    [],
  );
  if (place !== undefined && name !== undefined) {
    const rest = path.slice(place.length);
    return rest.length === 0 ? name : `${name}, \`${rest.join('.')}\``;
  }
  const [first = '', selection, ...fields] = path;
  if (SELECTIONS.has(first) && selection !== undefined)
    return `selection \`${selection}\`${fields.length === 0 ? '' : `, \`${fields.join('.')}\``}`;
  return `\`${path.join('.')}\``;
}

/** A JSON text as a person writes it: plain texts without their quotes. */
function plain(json: string | null): string {
  if (json === null) return 'nothing';
  const isOneText = /^"(?:[^"\\]|\\.)*"$/.test(json);
  return isOneText ? `\`${String(JSON.parse(json))}\`` : json;
}
