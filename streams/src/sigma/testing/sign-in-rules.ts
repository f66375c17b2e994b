/** Rules for correlations to refer to: `failed`, `host_failed`, and one that none refers to. */
export const SIGN_IN_RULES = `
title: Sign-in failed
id: 00000000-0000-4000-8000-000000000001
name: failed
logsource: { category: access.sign-in-failed, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
---
title: Host sign-in failed
id: 00000000-0000-4000-8000-000000000002
name: host_failed
logsource: { category: device.host-event-recorded, product: protego }
detection: { selection: { TargetUserName|exists: true }, condition: selection }
---
title: Unrelated
id: 00000000-0000-4000-8000-000000000003
logsource: { category: access.signed-in, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
`;
