/** The name of a ward, a purpose or a part of a record as it is said aloud: `intensive care` for `intensive-care`. */
export function spokenName(name: string): string {
  return name.replace(/(?<=\p{Letter})-(?=\p{Letter})/gu, ' ');
}
