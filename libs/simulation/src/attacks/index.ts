import type { Script } from './activity';

/** Every activity that can be planted. */
export const SCRIPTS: readonly Script[] = [];
