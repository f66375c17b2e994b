import type { SourceDeclarations } from '@protego/contracts';
import { placeholdersOf } from './detection-builder';
import { Correlator } from './sigma/correlator';
import type { SigmaCorrelation } from './sigma/correlation';
import { SigmaMatcher } from './sigma/matcher';
import type { SigmaRule } from './sigma/rule';
import type { SigmaRuleSet } from './sigma/rule-set';

/** What a pipeline is built from; two pipelines of equal artefacts are equal. */
export interface PipelineArtefacts {
  readonly rules: SigmaRuleSet;
  readonly declarations: SourceDeclarations;
}

/** Rules in the form that sessions share: immutable, compiled once. */
export interface PipelineRules {
  readonly matcher: SigmaMatcher;
  /** True for a rule whose matches are detections by themselves. */
  readonly raises: (rule: SigmaRule) => boolean;
  readonly correlations: readonly SigmaCorrelation[];
  /** Indexes of the correlations that count the matches of a rule. */
  readonly correlationsOf: (rule: SigmaRule) => readonly number[];
  /** Fields that a correlation's words speak of, per correlation. */
  readonly wordingFields: readonly (readonly string[])[];
}

const NONE: readonly number[] = [];

// Compiling is pure and slow: pipelines of one rule set share what it makes.
const compiled = new WeakMap<SigmaRuleSet, PipelineRules>();

/** The shared part of a pipeline, compiled once per rule set. */
export function pipelineRulesOf({ rules }: PipelineArtefacts): PipelineRules {
  const known = compiled.get(rules);
  if (known !== undefined) return known;
  const made = compile(rules);
  compiled.set(rules, made);
  return made;
}

function compile(rules: SigmaRuleSet): PipelineRules {
  const membership = new Map<SigmaRule, number[]>();
  const silenced = new Set<SigmaRule>();
  rules.correlations.forEach((correlation, index) => {
    const correlator = new Correlator(correlation, 'crossing');
    for (const rule of rules.rules.filter((candidate) => correlator.refersTo(candidate))) {
      membership.set(rule, [...(membership.get(rule) ?? []), index]);
      if (!correlation.generate) silenced.add(rule);
    }
  });
  return {
    matcher: new SigmaMatcher(rules.rules),
    raises: (rule) => !silenced.has(rule),
    correlations: rules.correlations,
    correlationsOf: (rule) => membership.get(rule) ?? NONE,
    wordingFields: rules.correlations.map(wordingFieldsOf),
  };
}

function wordingFieldsOf({ wording }: SigmaCorrelation): string[] {
  const templates = [wording.why, wording.nextStep, wording.harmlessExplanation].filter((text) => text !== undefined);
  return [...new Set([...templates.flatMap(placeholdersOf), ...(wording.entities ?? []).map(({ field }) => field)])];
}
