/** Says in each answer of `protego enclave` what kind of enclave it is about. */
export const EMULATED = { emulated: true } as const;
/** The same for a person, as the first line. */
export const EMULATED_LINE = 'emulated: yes; no hardware vouches for it, only the secret of its platform';
