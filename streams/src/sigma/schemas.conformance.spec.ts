import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { parseAllDocuments } from 'yaml';

const RULES = join(__dirname, '../../rules');
const SCHEMAS = resolve(process.cwd(), '../shared/conformance/sigma');

/** Which key of a document says which of the published schemas it has to meet. */
const SCHEMA_OF_KEY = {
  detection: 'sigma-detection-rule-schema.json',
  correlation: 'sigma-correlation-rules-schema.json',
  filter: 'sigma-filters-schema.json',
} as const;
type Key = keyof typeof SCHEMA_OF_KEY;

const documents = (readdirSync(RULES, { recursive: true }) as string[])
  .filter((name) => name.endsWith('.yml') && !name.endsWith('.cases.yml'))
  .flatMap((name) =>
    parseAllDocuments(readFileSync(join(RULES, name), 'utf8'), { schema: 'core' }).map((document, index) => ({
      name: `${name} ${index + 1}`,
      content: document.toJS() as Record<string, unknown>,
    })),
  );
const keyOf = (content: Record<string, unknown>): Key => {
  const key = (Object.keys(SCHEMA_OF_KEY) as Key[]).find((known) => known in content);
  if (key === undefined) throw new Error(`a rule has one of the keys ${Object.keys(SCHEMA_OF_KEY).join()}`);
  return key;
};

/**
 * The document as the schemas can judge it. A temporal correlation may have its condition in words (`a and not b`),
 * which the schemas of this folder do not know: they say `object` of every condition. Such a condition, and no other, is
 * left out here; that it is read and means what it says is shown by the cases of its rule.
 */
const judged = (content: Record<string, unknown>): Record<string, unknown> => {
  const correlation = content['correlation'] as Record<string, unknown> | undefined;
  if (!inWords(correlation)) return content;
  const { condition: _, ...rest } = correlation ?? {};
  return { ...content, correlation: rest };
};
const inWords = (correlation: Record<string, unknown> | undefined): boolean =>
  ['temporal', 'temporal_ordered'].includes(String(correlation?.['type'])) &&
  typeof correlation?.['condition'] === 'string';

describe('the JSON schemas of Sigma', () => {
  // Formats count; keywords for other kinds of value, of which the schemas hold some, do not.
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  const validators = new Map(
    (Object.keys(SCHEMA_OF_KEY) as Key[]).map((key) => {
      const { $schema: _, ...schema } = JSON.parse(
        readFileSync(join(SCHEMAS, SCHEMA_OF_KEY[key]), 'utf8'),
      ) as object & {
        $schema: string;
      };
      return [key, ajv.compile(schema)] as const;
    }),
  );

  it('are met by all kinds of documents that are shipped', () => {
    expect(new Set(documents.map(({ content }) => keyOf(content)))).toEqual(new Set(['detection', 'correlation']));
  });

  it.each(documents)('accept $name', ({ content }) => {
    const validate = validators.get(keyOf(content));
    expect([validate?.(judged(content)), validate?.errors]).toEqual([true, null]);
  });

  it('know no condition in words, and nothing else that is shipped is hidden from them', () => {
    const hidden = documents.filter(({ content }) => judged(content) !== content);
    expect(hidden.length).toBeGreaterThan(0);
    for (const { content } of hidden) {
      expect(content['correlation']).toMatchObject({ condition: expect.any(String) as string });
      expect(validators.get('correlation')?.(content)).toBe(false);
    }
  });

  it('refuse the same documents without what they require', () => {
    for (const { content } of documents) {
      const { title: _, ...untitled } = content;
      expect(validators.get(keyOf(content))?.(judged(untitled))).toBe(false);
      expect(validators.get(keyOf(content))?.({ ...judged(content), id: 'no uuid' })).toBe(false);
    }
  });

  it('accept a filter that is read here', () => {
    const text =
      'title: Known\nid: 9b5d5f5e-2b0e-4d6b-9a55-0d6f0a1f7c11\nlogsource: {product: x}\nfilter: {rules: [any], selection: {A: b}, condition: not selection}\n';
    expect(validators.get('filter')?.(parseAllDocuments(text)[0]?.toJS())).toBe(true);
  });
});
