import { ANY_CHARACTER, ANY_TEXT, lengthOfPattern, type PatternPart, type TextPattern } from './pattern';
import { CharacterClasses } from './plan/aho-corasick';
import { LiteralSearch } from './plan/literal-search';

/** Decides about one text. */
export type TextTest = (text: string) => boolean;

/** From this many plain endings of a path on, one look-up of its last part is cheaper than trying them in turn. */
const NAME_SET_SIZE_MIN = 6;

/** So many literals are searched for in one pass. */
const SEARCHED_TOGETHER_MIN = 8;
const BEYOND_LATIN1 = /[^\0-\xff]/;

/**
 * A test that holds when any of the patterns covers the whole text. Unless `isCased`, texts and
 * patterns are in lower case already. Time is linear in the text for a given set of patterns.
 */
export function textTest(patterns: readonly TextPattern[], isCased: boolean): TextTest {
  const shapes = sortByShape(patterns);
  const tests: TextTest[] = [];
  const [onlyEqual] = shapes.equal;
  if (shapes.equal.size === 1 && onlyEqual !== undefined) tests.push((text) => text === onlyEqual);
  else if (shapes.equal.size > 1) tests.push((text) => shapes.equal.has(text));
  const { names, suffixes } = splitSuffixes(shapes.suffixes);
  if (names.size > 0) tests.push((text) => names.has(text.slice(text.lastIndexOf('\\'))));
  for (const suffix of suffixes) tests.push((text) => text.endsWith(suffix));
  for (const prefix of shapes.prefixes) tests.push((text) => text.startsWith(prefix));
  if (shapes.infixes.size > 0) tests.push(infixTest([...shapes.infixes], isCased));
  for (const pattern of shapes.others) tests.push(globTest(pattern));
  return anyOf(tests);
}

function anyOf(tests: readonly TextTest[]): TextTest {
  const [first, ...rest] = tests;
  if (first === undefined) return () => false;
  if (rest.length === 0) return first;
  return (text) => {
    for (const test of tests) if (test(text)) return true;
    return false;
  };
}

function infixTest(infixes: readonly string[], isCased: boolean): TextTest {
  const inTurn: TextTest = (text) => {
    for (const infix of infixes) if (text.includes(infix)) return true;
    return false;
  };
  if (isCased || infixes.length < SEARCHED_TOGETHER_MIN || infixes.some((infix) => BEYOND_LATIN1.test(infix)))
    return inTurn;
  let search: LiteralSearch | undefined;
  let isFound = false;
  const found = (): void => void (isFound = true);
  return (text) => {
    // Most rules are never asked for as much.
    search ??= searchFor(infixes);
    isFound = false;
    return search.search(text, found) || isFound ? isFound : inTurn(text);
  };
}

function searchFor(infixes: readonly string[]): LiteralSearch {
  return new LiteralSearch(
    new CharacterClasses(infixes),
    infixes.map((literal, id) => ({ literal, id })),
  );
}

interface Shapes {
  readonly equal: Set<string>;
  readonly prefixes: Set<string>;
  readonly suffixes: Set<string>;
  readonly infixes: Set<string>;
  readonly others: TextPattern[];
}

function sortByShape(patterns: readonly TextPattern[]): Shapes {
  const shapes: Shapes = { equal: new Set(), prefixes: new Set(), suffixes: new Set(), infixes: new Set(), others: [] };
  for (const pattern of patterns) {
    const [first, second, third] = pattern;
    if (pattern.length === 0) shapes.equal.add('');
    else if (pattern.length === 1 && typeof first === 'string') shapes.equal.add(first);
    else if (pattern.length === 2 && typeof first === 'string' && second === ANY_TEXT) shapes.prefixes.add(first);
    else if (pattern.length === 2 && first === ANY_TEXT && typeof second === 'string') shapes.suffixes.add(second);
    else if (pattern.length === 3 && first === ANY_TEXT && typeof second === 'string' && third === ANY_TEXT)
      shapes.infixes.add(second);
    else shapes.others.push(pattern);
  }
  return shapes;
}

/** Endings such as `\cmd.exe` name exactly the last part of a path and can be looked up. */
function splitSuffixes(all: ReadonlySet<string>): { names: Set<string>; suffixes: string[] } {
  const isName = (suffix: string): boolean => suffix.lastIndexOf('\\') === 0;
  const names = [...all].filter(isName);
  if (names.length < NAME_SET_SIZE_MIN) return { names: new Set(), suffixes: [...all] };
  return { names: new Set(names), suffixes: [...all].filter((suffix) => !isName(suffix)) };
}

/** Parts between two `*`. */
type Segment = readonly PatternPart[];

/**
 * A pattern with several wildcards. Each segment is taken at its first place after the one before, which is safe because
 * `*` may cover whatever follows; so there is no backtracking over segments.
 */
function globTest(pattern: TextPattern): TextTest {
  const segments = segmentsOf(pattern);
  const [head = []] = segments;
  if (segments.length === 1) return (text) => text.length === lengthOfPattern(head) && isSegmentAt(head, text, 0);
  const tail = segments[segments.length - 1] as Segment;
  const middle = segments.slice(1, -1).filter((segment) => segment.length > 0);
  return (text) => {
    const end = text.length - lengthOfPattern(tail);
    let at = lengthOfPattern(head);
    if (at > end || !isSegmentAt(head, text, 0) || !isSegmentAt(tail, text, end)) return false;
    for (const segment of middle) {
      const found = findSegment(segment, text, at, end);
      if (found < 0) return false;
      at = found + lengthOfPattern(segment);
    }
    return true;
  };
}

function segmentsOf(pattern: TextPattern): Segment[] {
  const segments: PatternPart[][] = [[]];
  for (const part of pattern) {
    if (part === ANY_TEXT) segments.push([]);
    else segments[segments.length - 1]?.push(part);
  }
  return segments;
}

function findSegment(segment: Segment, text: string, from: number, end: number): number {
  const last = end - lengthOfPattern(segment);
  const [first] = segment;
  for (let at = from; at <= last; at++) {
    if (typeof first === 'string') {
      at = text.indexOf(first, at);
      if (at < 0 || at > last) return -1;
    }
    if (isSegmentAt(segment, text, at)) return at;
  }
  return -1;
}

function isSegmentAt(segment: Segment, text: string, start: number): boolean {
  let at = start;
  for (const part of segment) {
    if (part === ANY_CHARACTER) at += 1;
    else if (typeof part === 'string') {
      if (!text.startsWith(part, at)) return false;
      at += part.length;
    }
  }
  return at <= text.length;
}
