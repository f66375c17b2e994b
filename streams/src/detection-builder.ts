import { createHash } from 'node:crypto';
import {
  canonicalJson,
  formatRfc3339,
  type Confidence,
  type Detection,
  type DetectionEntity,
  type Severity,
} from '@protego/contracts';
import type { Timing } from './operators/stream-element';
import type { DetectionResult } from './result';
import type { EventRef } from './sigma/correlation-window';

/** Words of a rule for the people on the ward; placeholders `{name}` are filled from the finding's values. */
export interface RuleWording {
  readonly why?: string;
  readonly nextStep?: string;
  readonly harmlessExplanation?: string;
  readonly confidence?: Confidence;
  readonly entities?: readonly { readonly kind: string; readonly field: string }[];
}

/** What every rule and detector says of itself. */
export interface RuleIdentity {
  readonly id: string;
  /** SHA-256 of the content, hex. */
  readonly contentHash: string;
  readonly title: string;
  readonly level: Severity;
  readonly attack: readonly string[];
  readonly description?: string;
  readonly falsePositives: readonly string[];
  readonly wording: RuleWording;
  /** Most detections per ward and week that may be expected while nothing bad happens; {@link BUDGET_DEFAULT} where missing. */
  readonly budgetPerWardWeek?: number;
}

/** Budget of rules, correlations and detectors that name none: one detection in two weeks of a ward. */
export const BUDGET_DEFAULT = 0.5;

/** What a rule found, before it is put into words. */
export interface Finding {
  readonly rule: RuleIdentity;
  /** Canonical text of the group; empty where nothing is grouped. */
  readonly groupKey: string;
  /** Half-open window in event time, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly certainAtMs: number;
  /** Contributing events in event-time order. */
  readonly refs: readonly EventRef[];
  /** Text for placeholders and entities, by field name. */
  readonly textOf: (name: string) => string | undefined;
  readonly timing: Timing;
  /** For a correlation: its group by field, and what was measured in it. */
  readonly measured?: { readonly group: Readonly<Record<string, string>>; readonly value: number };
}

/** What the id of a detection is made of. */
export interface IdentifiedFinding extends Pick<Finding, 'groupKey' | 'startMs' | 'endMs' | 'refs'> {
  readonly rule: Pick<RuleIdentity, 'id' | 'contentHash'>;
}

const VALUE_CHARACTERS_MAX = 200;
const ENTITIES_MAX = 16;
const WORDS_CHARACTERS_MAX = 2_000;
const ATTACK_IDS_MAX = 32;
const TERM_CHARACTERS_MAX = 32;

const NEXT_STEPS: Readonly<Record<Severity, string>> = {
  informational: 'Nothing to do; it is recorded for later.',
  low: 'Look at it when you next review this area.',
  medium: 'Ask the person or the device owner today whether this was meant.',
  high: 'Call the security desk now and keep the device as it is.',
  critical: 'Call the security desk now. Do not switch off a device that a patient depends on.',
};

/** Fields that say what a detection is about, where its rule does not. */
const DEFAULT_ENTITIES: readonly { readonly kind: string; readonly field: string }[] = [
  { kind: 'device', field: 'device.uid' },
  { kind: 'person', field: 'user.uid' },
  { kind: 'person', field: 'actor.user.uid' },
  { kind: 'patient', field: 'patient.uid' },
  { kind: 'address', field: 'src_endpoint.ip' },
  { kind: 'host', field: 'Computer' },
  { kind: 'host', field: 'Hostname' },
  { kind: 'person', field: 'User' },
  { kind: 'person', field: 'SubjectUserName' },
  { kind: 'address', field: 'id.orig_h' },
];

/** Puts a finding into words and gives it its id. */
export function buildDetection(finding: Finding): DetectionResult {
  const { rule, refs } = finding;
  // Only the words of `protego` are templates: braces elsewhere in a rule are text, such as a class id of Windows.
  const say = (template: string | undefined, text: string): string =>
    cut(template === undefined ? text : fillPlaceholders(template, finding.textOf), WORDS_CHARACTERS_MAX);
  const detection: Detection = {
    id: detectionId(finding),
    ruleId: rule.id,
    ruleHash: rule.contentHash,
    title: cut(rule.title),
    severity: rule.level,
    confidence: rule.wording.confidence ?? 'medium',
    entities: entitiesOf(finding),
    window: { start: formatRfc3339(finding.startMs), end: formatRfc3339(finding.endMs) },
    certainAt: formatRfc3339(finding.certainAtMs),
    why: say(rule.wording.why, rule.description ?? rule.title),
    nextStep: say(rule.wording.nextStep, NEXT_STEPS[rule.level]),
    harmlessExplanation: say(rule.wording.harmlessExplanation, harmlessFrom(rule.falsePositives)),
    attack: rule.attack.slice(0, ATTACK_IDS_MAX).map((id) => cut(id, TERM_CHARACTERS_MAX)),
    eventCount: refs.length,
    status: 'raised',
    ...(finding.timing === 'on-time' ? {} : { timing: finding.timing }),
    ...(finding.measured === undefined ? {} : measuredOf(finding.measured)),
  };
  return {
    kind: 'detection',
    detection,
    certainAtMs: finding.certainAtMs,
    seqs: refs.map(([seq]) => seq).sort((a, b) => a - b),
  };
}

function measuredOf({ group, value }: NonNullable<Finding['measured']>): Pick<Detection, 'group' | 'value'> {
  return {
    group: Object.entries(group).map(([field, text]) => ({ field: cut(field), text: cut(oneLine(text)) })),
    value,
  };
}

/**
 * The id of what a rule found. It leaves out seq, so that the same history has the same detections in every log that holds it.
 */
export function detectionId({ rule, groupKey, startMs, endMs, refs }: IdentifiedFinding): string {
  const identity = canonicalJson([
    rule.id,
    rule.contentHash,
    groupKey,
    startMs,
    endMs,
    refs.map(([, source, id]) => [source, id]),
  ]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

function entitiesOf({ rule, textOf }: Finding): DetectionEntity[] {
  const entities: DetectionEntity[] = [];
  for (const { kind: term, field } of rule.wording.entities ?? DEFAULT_ENTITIES) {
    const [kind, id] = [cut(term, TERM_CHARACTERS_MAX), cut(oneLine(textOf(field) ?? ''))];
    if (id === '' || entities.some((known) => known.kind === kind && known.id === id)) continue;
    entities.push({ kind, id });
    if (entities.length === ENTITIES_MAX) break;
  }
  return entities;
}

function harmlessFrom(falsePositives: readonly string[]): string {
  const known = falsePositives.filter((text) => !/^(unknown|none|unlikely)\.?$/i.test(text));
  return known.length === 0
    ? 'No harmless explanation is recorded for this rule.'
    : `It may be harmless: ${known.join('; ')}.`;
}

/** Placeholders `{name}` of a template, each once. */
export function placeholdersOf(template: string): string[] {
  return [...new Set([...template.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1] as string))];
}

function fillPlaceholders(template: string, textOf: (name: string) => string | undefined): string {
  return template.replace(/\{([^{}]+)\}/g, (_, name: string) => cut(oneLine(textOf(name) ?? 'unknown')));
}

// A value comes from outside: it may be long, but it must not break the well-formedness of the text, nor steer the
// terminal that shows it. Every control character would also take six bytes of the event that carries the detection.
function cut(text: string, charactersMax: number = VALUE_CHARACTERS_MAX): string {
  const short = text.length <= charactersMax ? text : text.slice(0, charactersMax) + '…';
  return short.toWellFormed().replace(CONTROL_CHARACTERS, '\ufffd');
}

// A value that brings its own lines, or turns the direction of writing, could pass for words of the rule.
const oneLine = (text: string): string =>
  text.replace(/[\n\t\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');

const CONTROL_CHARACTERS = /[^\P{Cc}\n\t]/gu;
