import { ACCESS_SCRIPTS } from './access-scripts';
import type { Script } from './activity';

/** Every activity that can be planted. */
export const SCRIPTS: readonly Script[] = [...ACCESS_SCRIPTS];
