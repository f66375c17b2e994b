import type { Script } from './activity';
import { SNOOPING_KNOWN } from './snooping-known';
import { SNOOPING_MANY } from './snooping-many';
import { SNOOPING_SELF } from './snooping-self';
import { SNOOPING_STRANGERS } from './snooping-strangers';
import { SNOOPING_KNOWN_TWINS } from './snooping-twins';
import { SNOOPING_VIP } from './snooping-vip';
import { SNOOPING_WORK_TWINS } from './snooping-work-twins';

/** Looks at records that are none of somebody's business, and their benign twins. */
export const SNOOPING_SCRIPTS: readonly Script[] = [
  ...SNOOPING_KNOWN,
  ...SNOOPING_VIP,
  ...SNOOPING_SELF,
  ...SNOOPING_STRANGERS,
  ...SNOOPING_MANY,
  ...SNOOPING_KNOWN_TWINS,
  ...SNOOPING_WORK_TWINS,
];
