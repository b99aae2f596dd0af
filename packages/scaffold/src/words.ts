/** The words of a name in whichever style: `HTTPServer_v2` is `http`, `server`, `v2`. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z\d]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** `greeter-service`, as files are named. */
export const kebabCase = (name: string): string => wordsOf(name).join('-');

/** `greeter_service`, as proto files and databases are named. */
export const snakeCase = (name: string): string => wordsOf(name).join('_');

/** `GreeterService`, as types are named. */
export const pascalCase = (name: string): string => wordsOf(name).map(capitalised).join('');

/** `greeterService`, as values are named. */
export function camelCase(name: string): string {
  const [first = '', ...rest] = wordsOf(name);
  return first + rest.map(capitalised).join('');
}
