import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ENVELOPE_SCHEMA, ERROR_CODES, dataschemaOf, eventRegistry } from '@protego/contracts';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { referenceFiles } from '../scripts/reference/index';

const FOLDER = join(__dirname, '../docs/reference');
const committed = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const generated = referenceFiles();

interface AsyncApi {
  readonly channels: Record<string, { address: string; messages: object; parameters: object }>;
  readonly operations: Record<string, { action: string; channel: { $ref: string } }>;
  readonly components: { messages: Record<string, object> };
}

describe('reference', () => {
  // Each failure is mended by `npm run reference`.
  it.each([...generated.keys()])('%s is what the contracts say', (name) => {
    expect(committed(name)).toBe(generated.get(name));
  });

  it('holds no schema of a type that is gone', () => {
    const names = readdirSync(join(FOLDER, 'schemas')).map((name) => `schemas/${name}`);
    expect(names.filter((name) => !generated.has(name))).toEqual([]);
  });

  it('lists every error code, and no other', () => {
    const listed = [...committed('errors.md').matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });

  it('says of every error code what to do', () => {
    const rows = committed('errors.md')
      .replace(/\\([<*|])/g, '$1')
      .split('\n');
    for (const [code, { help }] of Object.entries(ERROR_CODES)) {
      expect(rows.filter((row) => row.startsWith(`| \`${code}\` |`) && row.endsWith(`| ${help} |`))).toHaveLength(1);
    }
  });
});

describe('schemas', () => {
  // The envelope allows extension attributes by a pattern that its own attributes match as well.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allowMatchingProperties: true });
  addFormats(ajv);
  const envelope = { specversion: '1.0', id: '1', source: 'ehr', time: '2026-01-01T00:00:00Z', site: 'north' };
  const validator = (name: string): ((value: unknown) => boolean) => {
    const schema = JSON.parse(committed(`schemas/${name}`)) as { $id: string };
    const validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
    return (value) => validate(value) === true;
  };

  it.each(eventRegistry.all().map(({ type, version }) => [`${type}@${version}`, type, version] as const))(
    '%s compiles, names its type and refuses another',
    (name, type, version) => {
      const schema = JSON.parse(committed(`schemas/${name}.json`)) as { $id: string; required: string[] };
      expect(schema.$id).toBe(dataschemaOf(type, version));
      expect(schema.required).toEqual(expect.arrayContaining(ENVELOPE_SCHEMA['required'] as string[]));
      expect(validator(`${name}.json`)({ ...envelope, type: `${type}x`, data: {} })).toBe(false);
    },
  );

  it('takes a whole event and checks its data', () => {
    const isRecordRead = validator('access.record-read@1.json');
    const event = { ...envelope, type: 'access.record-read' };
    expect(isRecordRead({ ...event, data: { actor: { user: { uid: 'a' } }, patient: { uid: 'p' } } })).toBe(true);
    expect(isRecordRead({ ...event, data: { actor: { user: { uid: 'a' } } } })).toBe(false);
    expect(validator('event-envelope.json')({ ...event, data: {} })).toBe(true);
    expect(validator('event-envelope.json')({ ...event, data: [] })).toBe(false);
  });
});

describe('AsyncAPI document', () => {
  const document = parse(committed('asyncapi.yaml')) as AsyncApi;
  const pointerTarget = (pointer: string): unknown =>
    pointer
      .slice(2)
      .split('/')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
  const references = [...committed('asyncapi.yaml').matchAll(/\$ref: "?([^"\n]+)"?/g)].map(([, target = '']) => target);

  it('refers only to what exists', () => {
    for (const target of references) {
      if (target.startsWith('#')) expect(pointerTarget(target)).toBeDefined();
      else expect(generated.has(target.replace('./', ''))).toBe(true);
    }
    expect(references.length).toBeGreaterThan(eventRegistry.all().length);
  });

  it('has a channel for every input type, and declares every parameter of an address', () => {
    const carried = Object.values(document.channels).flatMap((channel) => Object.keys(channel.messages));
    for (const { type, version } of eventRegistry.all()) {
      if (/^(device|access|exchange|roster|care|watchlist|clock)\./.test(type))
        expect(carried).toContain(`${type}.v${version}`);
    }
    for (const { address, parameters } of Object.values(document.channels)) {
      const named = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(named).toEqual(Object.keys(parameters));
      expect(address).toMatch(/^protego\.v1(\.([a-z-]+|\{\w+\}))+$/);
    }
  });
});
