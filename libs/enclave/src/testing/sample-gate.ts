import type { SourceDeclaration } from '@protego/contracts';
import { type GateOptions } from '../admission/event-gate';

function source(name: string, more: Partial<SourceDeclaration>): SourceDeclaration {
  const none = { families: [], authoritativeFor: [], latenessMs: 0, idleAfterMs: 0, carriesClock: false };
  return { name, description: name, ...none, ...more };
}

/** Lets in what the sample events are: `ehr` sends, `directory` knows, `feed` carries the clock. */
export const SAMPLE_GATE: GateOptions = {
  site: 'ward',
  sources: {
    skewMaxMs: 60_000,
    defaults: { latenessMs: 0, idleAfterMs: 0 },
    sources: [
      source('ehr', { families: ['access', 'device'] }),
      source('directory', { authoritativeFor: ['watchlist'] }),
      source('feed', { families: ['access'], carriesClock: true }),
    ],
  },
};
