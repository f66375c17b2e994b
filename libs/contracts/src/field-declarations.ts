import { readCheckedYaml, type CheckedYaml } from './declarations';
import { ProtegoError } from './error';
import type { JsonSchema } from './event-registry';
import {
  compileFieldPlan,
  parseFieldPath,
  type FieldClass,
  type FieldPattern,
  type FieldPlan,
  type FieldRule,
  type IdentityForm,
} from './field-plan';

/** Which fields are personal: `streams/declarations/fields.yaml`, compiled. */
export interface FieldClasses {
  /**
   * What to do with the fields of an event of a type, as a tree to walk along with the event; undefined for events that
   * the engine writes itself: they are open throughout and hold pseudonyms already.
   */
  planOf(type: string): FieldPlan | undefined;
  /** Class of a value at a path from the event's top; indices of arrays are not part of the path. */
  classOf(type: string, path: readonly string[]): FieldClass;
  /** True for accounts that are no person, such as `SYSTEM`; upper and lower case are the same. */
  isWellKnownAccount(account: string): boolean;
  /** What they were read from, so that another process can read the same; undefined for those that no declarations made. */
  readonly declaration?: { readonly text: string; readonly path: string };
}

interface Declared {
  readonly wellKnownAccounts?: readonly string[];
  readonly pseudonymous?: readonly string[];
  readonly classes: readonly DeclaredGroup[];
}

type DeclaredField = string | { path: string; person?: string; form?: IdentityForm; inText?: boolean };

type DeclaredGroup = { readonly types: readonly string[]; readonly under?: string } & Partial<
  Record<FieldClass, readonly DeclaredField[]>
>;

const CLASSES: readonly FieldClass[] = ['open', 'staff', 'patient', 'free-text'];
/** Plans are made once a type; a validator lets known types in only, so that this is never reached in practice. */
const PLANS_MAX = 1024;

const text: JsonSchema = { type: 'string', minLength: 1, maxLength: 256 };
const typeNames: JsonSchema = {
  type: 'array',
  items: { type: 'string', pattern: '^(\\*|[a-z][a-z0-9-]*\\.(\\*|[a-z0-9][a-z0-9.-]*))$' },
};
const plainFields: JsonSchema = { type: 'array', items: text };
const identityFields: JsonSchema = {
  type: 'array',
  items: {
    anyOf: [
      text,
      {
        type: 'object',
        required: ['path'],
        additionalProperties: false,
        properties: {
          path: text,
          person: text,
          form: { enum: ['plain', 'account'] },
          inText: { type: 'boolean' },
        },
      },
    ],
  },
};

const FIELDS_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['classes'],
  additionalProperties: false,
  properties: {
    wellKnownAccounts: { type: 'array', items: text },
    pseudonymous: typeNames,
    classes: {
      type: 'array',
      items: {
        type: 'object',
        required: ['types'],
        additionalProperties: false,
        properties: {
          types: { ...typeNames, minItems: 1 },
          under: text,
          open: plainFields,
          staff: identityFields,
          patient: identityFields,
          'free-text': plainFields,
        },
      },
    },
  },
};

/**
 * Reads `fields.yaml`. What it does not name is free text.
 *
 * @throws ProtegoError `DECLARATION_INVALID` with path, line and key
 */
export function parseFieldDeclarations(yamlText: string, path: string): FieldClasses {
  const checked = readCheckedYaml(yamlText, path, FIELDS_SCHEMA, 'DECLARATION_INVALID');
  const declared = checked.value as Declared;
  return new DeclaredFieldClasses(
    patternsOf(declared, checked, path),
    declared.pseudonymous ?? [],
    declared.wellKnownAccounts ?? [],
    { text: yamlText, path },
  );
}

class DeclaredFieldClasses implements FieldClasses {
  readonly #plans = new Map<string, FieldPlan | undefined>();
  readonly #wellKnown: AccountPatterns;

  constructor(
    private readonly patterns: readonly FieldPattern[],
    private readonly pseudonymous: readonly string[],
    wellKnownAccounts: readonly string[],
    readonly declaration: { readonly text: string; readonly path: string },
  ) {
    this.#wellKnown = new AccountPatterns(wellKnownAccounts);
  }

  planOf(type: string): FieldPlan | undefined {
    if (this.#plans.has(type)) return this.#plans.get(type);
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear();
    const isPseudonymous = this.pseudonymous.some((each) => typeMatches(each, type) !== undefined);
    const plan = isPseudonymous ? undefined : compileFieldPlan(this.patterns, (each) => typeMatches(each, type));
    this.#plans.set(type, plan);
    return plan;
  }

  classOf(type: string, path: readonly string[]): FieldClass {
    let plan = this.planOf(type);
    if (plan === undefined) return 'open';
    for (const key of path) {
      plan = plan.members.get(key) ?? plan.others;
      if (plan === undefined) return 'free-text';
    }
    return plan.rule?.class ?? 'free-text';
  }

  isWellKnownAccount(account: string): boolean {
    return this.#wellKnown.matches(account);
  }
}

/** Names with `*` for any text. Nearly all are whole names, or open at one end, and are compared without a regular expression. */
class AccountPatterns {
  readonly #names = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #suffixes: string[] = [];
  readonly #others: RegExp[] = [];

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns.map((each) => each.toLowerCase())) {
      const parts = pattern.split('*');
      const [first = '', last = ''] = parts;
      if (parts.length === 1) this.#names.add(first);
      else if (parts.length === 2 && last === '') this.#prefixes.push(first);
      else if (parts.length === 2 && first === '') this.#suffixes.push(last);
      else this.#others.push(new RegExp(`^${parts.map(escapeRegExp).join('.*')}$`, 'su'));
    }
  }

  matches(account: string): boolean {
    const name = account.toLowerCase();
    if (this.#names.has(name)) return true;
    for (const prefix of this.#prefixes) if (name.startsWith(prefix)) return true;
    for (const suffix of this.#suffixes) if (name.endsWith(suffix)) return true;
    return this.#others.some((pattern) => pattern.test(name));
  }
}

function escapeRegExp(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** How closely a type pattern fits a type: 0 for `*`, 1 for `family.*`, 2 for the type itself; undefined: not at all. */
function typeMatches(pattern: string, type: string): number | undefined {
  if (pattern === '*') return 0;
  if (pattern === type) return 2;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)) ? 1 : undefined;
}

function patternsOf(declared: Declared, checked: CheckedYaml, path: string): FieldPattern[] {
  const patterns: FieldPattern[] = [];
  const seen = new Set<string>();
  declared.classes.forEach((group, groupAt) => {
    for (const fieldClass of CLASSES) {
      (group[fieldClass] ?? []).forEach((field, fieldAt) => {
        const keys = ['classes', String(groupAt), fieldClass, String(fieldAt)];
        const refuse = (problem: string): never => refuseField(path, checked.lineOf(keys), keys.join('.'), problem);
        const segments = segmentsOf(group.under, typeof field === 'string' ? field : field.path, refuse);
        for (const type of group.types) {
          const name = JSON.stringify([type, segments]);
          if (seen.has(name)) refuse(`\`${segments.join('.')}\` of \`${type}\` is classed twice`);
          seen.add(name);
          patterns.push({ type, segments, rule: ruleOf(fieldClass, field, group.under, refuse) });
        }
      });
    }
  });
  return patterns;
}

function ruleOf(
  fieldClass: FieldClass,
  field: DeclaredField,
  under: string | undefined,
  refuse: (problem: string) => never,
): FieldRule {
  const { person, form = 'plain', inText = true } = typeof field === 'string' ? {} : field;
  const rule = { class: fieldClass, form, inText };
  if (person === undefined) return rule;
  const keys = segmentsOf(under, person, refuse);
  if (keys.some((key) => key === '*' || key === '**')) refuse(`\`person\` names one field, without wildcards`);
  return { ...rule, person: keys };
}

function segmentsOf(under: string | undefined, field: string, refuse: (problem: string) => never): string[] {
  const segments = parseFieldPath(under === undefined ? field : `${under}.${field}`);
  const isSound = segments.every((each, at) => each !== '' && (each !== '**' || at === segments.length - 1));
  return isSound
    ? segments
    : refuse(`\`${field}\` is no path: names joined by \`.\`, \`*\` for one, \`**\` for the rest`);
}

function refuseField(path: string, line: number, key: string, problem: string): never {
  throw new ProtegoError('DECLARATION_INVALID', `${path}:${String(line)}: ${problem}`, { path, line, key });
}

/**
 * For a house without declarations: the envelope is open but for `subject`, which is staff, and `dataref`; all of `data` is
 * free text.
 */
export const UNDECLARED_FIELDS: FieldClasses = parseFieldDeclarations(
  `classes:
  - types: ['*']
    open: [specversion, id, source, type, time, site, dataschema, datacontenttype, arrivedat]
    staff: [subject]
`,
  'undeclared',
);
