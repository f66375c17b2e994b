import {
  Composer,
  Lexer,
  Parser,
  isAlias,
  visit,
  type Alias,
  type CST,
  type Document,
  type LineCounter,
  type Node,
} from 'yaml';
import { quote, rejectAt, type SourcePosition } from './problem';

/** Deepest nesting of one document; canonical JSON allows 32 levels. */
export const DEPTH_MAX = 30;

/** One document of a YAML text as the library gives it, without errors. */
export interface ComposedDocument {
  readonly contents: Document.Parsed['contents'];
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
}

/**
 * The documents of a YAML text, each free of errors and with an anchor for each alias. `lines` learns where lines begin.
 *
 * @throws ProtegoError `SIGMA_YAML_INVALID` with path, line and column
 */
export function composeDocuments(text: string, lines: LineCounter, path: string): ComposedDocument[] {
  // The library compares each key with all before it, which takes minutes for a long file; who reads the tree refuses
  // repeated keys.
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false });
  const documents = [...composer.compose(boundedTokens(text, lines, path))];
  return documents.map((document) => {
    const { targets, stray } = linkAliases(document);
    const [error] = [...document.errors, ...document.warnings];
    const errorOffset = error?.pos[0] ?? Infinity;
    const strayOffset = stray?.range?.[0] ?? Infinity;
    // A text that begins with `*` can be an error further on as well, where it holds a blank: the star is the reason.
    if (stray !== undefined && strayOffset <= errorOffset) refuseStray(stray, positionAt(strayOffset, lines, path));
    if (error !== undefined) rejectAt('SIGMA_YAML_INVALID', error.message, positionAt(errorOffset, lines, path));
    return { contents: document.contents, targets };
  });
}

/** Place of an offset in the text that `lines` was made of. */
export function positionAt(offset: number, lines: LineCounter, path: string): SourcePosition {
  const { line, col } = lines.linePos(offset);
  return { path, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/**
 * The parts of a text for the composer, which calls itself for each level and would leave the stack, and with it the
 * process, to a text that is nothing but brackets. The parser keeps its levels in a list, so they are counted there.
 */
function* boundedTokens(text: string, lines: LineCounter, path: string): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    // The first of the list is the document, the second its outermost value.
    const tooDeep = parser.stack[DEPTH_MAX + 2];
    if (tooDeep !== undefined) refuseDepth(positionAt(tooDeep.offset, lines, path));
  }
  yield* parser.end();
}

/** Refuses a value that stands deeper than {@link DEPTH_MAX}. */
export function refuseDepth(at: SourcePosition): never {
  rejectAt('SIGMA_YAML_INVALID', `nested deeper than ${DEPTH_MAX} levels`, at);
}

/** What the aliases of a document stand for: the last node before them with their anchor; and the first without one. */
function linkAliases(document: Document): { targets: Map<Alias, Node>; stray: Alias | undefined } {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  let stray: Alias | undefined;
  visit(document, {
    Node: (_key, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.source);
      if (target === undefined) stray ??= node;
      else targets.set(node, target);
    },
  });
  return { targets, stray };
}

function refuseStray({ source }: Alias, at: SourcePosition): never {
  const message = `alias ${quote(`*${source}`)} has no anchor before it; a text that begins with \`*\` must stand in quotes`;
  rejectAt('SIGMA_YAML_INVALID', message, at);
}
