/** How a field is kept: in the log's own encryption only, or sealed under the key of a person, or of a source and month. */
export type FieldClass = 'open' | 'staff' | 'patient' | 'free-text';

/** How an identity is written: as it stands, or as an account with a domain before `\` or after `@` that does not count. */
export type IdentityForm = 'plain' | 'account';

/** What `fields.yaml` says of one field. */
export interface FieldRule {
  readonly class: FieldClass;
  /** Keys, from the event's top, of the identity of the person whom this value also names; missing: it is an identity itself. */
  readonly person?: readonly string[];
  readonly form: IdentityForm;
  /** False where the value is too common to tell a person by it in a text, such as a date of birth. */
  readonly inText: boolean;
}

/**
 * Fields of an event as a tree to walk along with it. Arrays are not levels of their own: their items lie where the array
 * lies.
 */
export interface FieldPlan {
  /** What is said of a value that lies here and is no object; undefined: free text. */
  readonly rule: FieldRule | undefined;
  /** Members that are named. */
  readonly members: ReadonlyMap<string, FieldPlan>;
  /** All other members; undefined: they are free text with all that is in them. */
  readonly others: FieldPlan | undefined;
}

/** One line of `fields.yaml`: for which types, which path, and what is said of it. */
export interface FieldPattern {
  /** `*`, `family.*` or a type. */
  readonly type: string;
  /** Names from the event's top; `*` stands for any one, `**` at the end for one or more. */
  readonly segments: readonly string[];
  readonly rule: FieldRule;
}

/** A pattern of which `at` segments are matched. */
interface State {
  readonly pattern: FieldPattern;
  readonly typeRank: number;
  readonly at: number;
  readonly index: number;
}

/** Names of a dotted path; a dot that belongs to a name is written `\.`. */
export function parseFieldPath(path: string): string[] {
  return path.split(/(?<!\\)\./).map((segment) => segment.replaceAll('\\.', '.'));
}

/**
 * The plan for one type. Where several patterns fit a field, the one for the narrower type decides, then the one whose
 * path is more exact: a name before `*`, `*` before `**`, from the left.
 *
 * @param rankOf how closely a type pattern fits the type: greater is closer, undefined is not at all
 */
export function compileFieldPlan(
  patterns: readonly FieldPattern[],
  rankOf: (typePattern: string) => number | undefined,
): FieldPlan {
  const states: State[] = [];
  patterns.forEach((pattern, index) => {
    const typeRank = rankOf(pattern.type);
    if (typeRank !== undefined) states.push({ pattern, typeRank, at: 0, index });
  });
  return nodeOf(states, new Map());
}

interface MutablePlan {
  rule: FieldRule | undefined;
  members: Map<string, FieldPlan>;
  others: FieldPlan | undefined;
}

// Sets of states are nodes; `**` leads to itself, so that nodes met again have to be shared.
function nodeOf(states: readonly State[], nodes: Map<string, FieldPlan>): FieldPlan {
  const name = states.map(({ index, at }) => `${index}:${at}`).join(' ');
  const known = nodes.get(name);
  if (known !== undefined) return known;
  const node: MutablePlan = { rule: bestRule(states), members: new Map(), others: undefined };
  nodes.set(name, node);
  for (const { pattern, at } of states) {
    const key = pattern.segments[at];
    if (key === undefined || key === '*' || key === '**' || node.members.has(key)) continue;
    node.members.set(key, nodeOf(step(states, key), nodes));
  }
  const others = step(states, undefined);
  if (others.length > 0) node.others = nodeOf(others, nodes);
  return node;
}

function step(states: readonly State[], key: string | undefined): State[] {
  const next: State[] = [];
  for (const state of states) {
    const segment = state.pattern.segments[state.at];
    const isLast = state.at === state.pattern.segments.length;
    if (segment === '*' || segment === '**' || (key !== undefined && segment === key)) {
      next.push({ ...state, at: state.at + 1 });
    } else if (isLast && state.pattern.segments[state.at - 1] === '**') next.push(state);
  }
  return next;
}

function bestRule(states: readonly State[]): FieldRule | undefined {
  let best: State | undefined;
  for (const state of states) {
    if (state.at !== state.pattern.segments.length) continue;
    if (best === undefined || isCloser(state, best)) best = state;
  }
  return best?.pattern.rule;
}

function isCloser(a: State, b: State): boolean {
  if (a.typeRank !== b.typeRank) return a.typeRank > b.typeRank;
  const [left, right] = [a.pattern.segments, b.pattern.segments];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = exactness(left[at]) - exactness(right[at]);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function exactness(segment: string | undefined): number {
  if (segment === undefined || segment === '**') return 0;
  return segment === '*' ? 1 : 2;
}
