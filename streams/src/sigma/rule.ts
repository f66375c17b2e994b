import type { Confidence, Severity } from '@protego/contracts';
import type { SigmaExpression } from './expression';
import type { SourcePosition } from './problem';
import type { YamlNode } from './yaml-tree';

/** Which records a rule is about (Sigma 2.1, `logsource`). */
export interface SigmaLogsource {
  readonly product?: string;
  readonly category?: string;
  readonly service?: string;
}

/** A field whose value a detection of the rule is about. */
export interface SigmaEntityField {
  /** `person`, `device`, `address`, `patient`, `host` … */
  readonly kind: string;
  readonly field: string;
}

/** What the custom key `protego` adds to a rule: words for the person who reads the detection. */
export interface SigmaWording {
  readonly why?: string;
  readonly nextStep?: string;
  readonly harmlessExplanation?: string;
  readonly confidence?: Confidence;
  readonly entities?: readonly SigmaEntityField[];
}

/** What rules and correlations have in common. */
export interface SigmaHeader {
  /** `id` of the file; its path (and number, when it is not the first document) where that is missing. */
  readonly id: string;
  readonly name?: string;
  readonly title: string;
  readonly level: Severity;
  readonly status?: string;
  readonly description?: string;
  readonly falsePositives: readonly string[];
  /** MITRE ATT&CK techniques (`T1059.001`) and tactics (`execution`) from the tags. */
  readonly attack: readonly string[];
  /** SHA-256 (hex) of the canonical JSON of the parsed document without cases and budget, and of the filters where some apply. */
  readonly contentHash: string;
  readonly path: string;
  /** Where the document begins. */
  readonly at: SourcePosition;
  /** Cases as they stand in the file, unread; `parseRuleCases` reads them. */
  readonly cases?: YamlNode;
  /** Most detections per ward and week that may be expected while nothing bad happens; the default where missing. */
  readonly budgetPerWardWeek?: number;
  readonly wording: SigmaWording;
}

/** A filter that is part of a rule. */
export interface AppliedFilter {
  readonly id: string;
  /** SHA-256 of its document, hex. */
  readonly contentHash: string;
}

/** A Sigma 2.1 detection rule. */
export interface SigmaRule extends SigmaHeader {
  readonly kind: 'rule';
  readonly logsource: SigmaLogsource;
  /** Selections of the rule itself by name; their predicates are those of the condition. */
  readonly selections: ReadonlyMap<string, SigmaExpression>;
  /** The condition with its selections, and the filters that apply, put in. */
  readonly detection: SigmaExpression;
  /** Filters that apply, in the order of the files; missing where none does. */
  readonly filters?: readonly AppliedFilter[];
}
