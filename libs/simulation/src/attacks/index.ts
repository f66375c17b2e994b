import { ACCESS_SCRIPTS } from './access-scripts';
import type { Script } from './activity';
import { SNOOPING_SCRIPTS } from './snooping-scripts';

/** Every activity that can be planted. */
export const SCRIPTS: readonly Script[] = [...ACCESS_SCRIPTS, ...SNOOPING_SCRIPTS];
