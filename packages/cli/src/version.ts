/** The version that `rondo --version` prints: that of package.json, which a bundled CLI doesn't have beside it. */
export const VERSION = '0.1.0';
