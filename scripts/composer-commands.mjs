// The three commands that install from a repository in an empty folder. They are printed for people to paste,
// so they must work as they are; they leave an existing composer.json in place.

/** `package_` is what to require; nothing, when the instance came without the sample. */
export function composerCommands({ url, token, package_ }) {
  const { host, protocol } = new URL(url);
  // `composer config` wants a composer.json to be there.
  const file = "[ -e composer.json ] || echo '{}' > composer.json";
  // Composer refuses http, for localhost too, until it is told otherwise.
  const plain = protocol === "http:" ? "composer config secure-http false && " : "";
  return [
    `${file}; ${plain}composer config repositories.repertoire composer ${url}`,
    `composer config http-basic.${host} token ${token}`,
    `composer require ${package_ ?? "<vendor>/<package>"}`,
  ];
}
