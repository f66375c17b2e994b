import { compileSigma, sigmaContentsOf } from '@protego/streams';
import { declarationsOf } from '@protego/streams/testing';
import type { ArtefactSide } from '../document-changes';

/** A set of artefacts of one file per text. */
export function artefactsOf(
  texts: readonly string[],
  parts: Partial<Pick<ArtefactSide, 'placeholders' | 'declarations' | 'knowledge'>> = {},
): ArtefactSide {
  const { placeholders = new Map(), declarations = declarationsOf(), knowledge = 'then' } = parts;
  const files = texts.map((text, at) => ({ path: `${at}.yml`, text }));
  const options = { placeholders };
  return {
    rules: compileSigma(files, options),
    contents: sigmaContentsOf(files, options),
    ...{ declarations, placeholders, knowledge },
  };
}

/** A rule about changed privileges; `more` are further lines. */
export function ruleText(id: string, user: string, more = 'level: low'): string {
  return `
title: Rule ${id}
id: ${id}
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid: ${user} }, condition: selection }
${more}
`;
}

/** A correlation of events of one user. */
export function correlationText(id: string, rules: readonly string[], timespan = '5m', isGenerating = false): string {
  return `
title: Correlation ${id}
id: ${id}
correlation:
  type: event_count
  rules: [${rules.join(', ')}]
  group-by: [user.uid]
  timespan: ${timespan}
  condition: { gte: 2 }
  generate: ${isGenerating}
level: high
`;
}
