import { eventRegistry, newAjv, type JsonSchema } from '@protego/contracts';
import fc from 'fast-check';
import { leafCheckOf, passesCheck, type LeafCheck } from './leaf-check';
import { MessageBytes, MessageLeaves } from './message-leaves';

const ajv = newAjv();
const message = new MessageBytes();
const leaves = new MessageLeaves(1);

/** Undefined where the bytes are left to the parser. */
function passes(check: LeafCheck | 'none', value: unknown): boolean | undefined {
  message.enter(Buffer.from(`${JSON.stringify(value)},`));
  if (leaves.read(message, message.start, 0) !== message.end - 1) return undefined;
  return check === 'none' || passesCheck(check, message.bytes, leaves);
}

const value = fc.oneof(
  fc.string(),
  fc.integer({ min: -5, max: 70_000 }),
  fc.double({ min: -1, max: 9, noNaN: true }),
  fc.constantFrom<unknown>(
    true,
    false,
    null,
    '',
    'import',
    'x'.repeat(4096),
    'x'.repeat(4097),
    0,
    65_535,
    65_536,
    8,
    8.5,
  ),
);

describe('the check of a scalar', () => {
  it('is what the schema says, for every scalar that a type declares', () => {
    const declared = eventRegistry.all().flatMap(({ dataSchema }) => scalarsOf(dataSchema));
    const checked = declared.filter(
      (schema) => typeof leafCheckOf({ properties: { x: schema } }, ['x'], 0) === 'object',
    );
    expect(checked.length).toBeGreaterThan(100);
    for (const schema of new Set(checked)) {
      const validate = ajv.compile(schema);
      const check = leafCheckOf({ properties: { x: schema } }, ['x'], 0) as LeafCheck;
      fc.assert(
        fc.property(value, (each) => {
          const found = passes(check, each);
          if (found !== undefined) expect(found).toBe(validate(each));
        }),
      );
    }
  });

  it('is left to the parser where the schema asks for more', () => {
    const schemas: JsonSchema[] = [
      { type: 'string', pattern: '^a' },
      { type: 'string', format: 'date-time' },
      { oneOf: [] },
      { type: ['string', 'null'] },
      { enum: [1] },
      { type: 'array' },
    ];
    for (const schema of schemas) expect(leafCheckOf({ properties: { x: schema } }, ['x'], 0)).toBeUndefined();
    expect(leafCheckOf({ properties: {}, additionalProperties: false }, ['x'], 0)).toBeUndefined();
    expect(leafCheckOf({ type: 'object', properties: {} }, ['x'], 0)).toBe('none');
    expect(leafCheckOf({ type: 'object', properties: {} }, ['toString'], 0)).toBe('none');
  });
});

function scalarsOf(schema: JsonSchema): JsonSchema[] {
  const properties = Object.values((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  return properties.flatMap((each) => (each['type'] === 'object' ? scalarsOf(each) : [each]));
}
