/** Words of JavaScript that are no name of a value. */
export const RESERVED_WORDS: readonly string[] = (
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
  'false finally for function if implements import in instanceof interface let new null package private protected ' +
  'public return static super switch this throw true try typeof undefined var void while with yield'
).split(' ');

/** The words of a name in any style: `HTTPServer_v2` is `http`, `server`, `v2`. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z\d]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

/** `order lines` as `Order lines`, at the start of a sentence or a name. */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `greeter-service`, the style of file names. */
export const kebabCase = (name: string): string => wordsOf(name).join('-');

/** `greeter_service`, the style of proto files and databases. */
export const snakeCase = (name: string): string => wordsOf(name).join('_');

/** `GreeterService`, the style of types. */
export const pascalCase = (name: string): string => wordsOf(name).map(capitalised).join('');

/** `greeterService`, the style of values. */
export function camelCase(name: string): string {
  const [first = '', ...rest] = wordsOf(name);
  return first + rest.map(capitalised).join('');
}
