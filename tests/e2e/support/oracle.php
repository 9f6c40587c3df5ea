<?php
// Composer's own code as the judge of our metadata. Reads a p2 document from standard input and prints, for each package,
// {"given": the list as it stands, "expanded": what a client makes of it, "minified": what Composer would have written}.
$debian = '/usr/share/php/Composer/MetadataMinifier/autoload.php';
if (is_file($debian)) {
    require $debian;
} else {
    // A phar keeps its classes inside; without the ending .phar it has to be given an alias to be looked into.
    Phar::loadPhar(trim((string) shell_exec('command -v ' . escapeshellarg(getenv('COMPOSER_BIN') ?: 'composer'))), 'composer.phar');
    require 'phar://composer.phar/vendor/autoload.php';
}

use Composer\MetadataMinifier\MetadataMinifier;

$document = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
if (($document['minified'] ?? null) !== 'composer/2.0') {
    fwrite(STDERR, "not minified\n");
    exit(1);
}
$judged = [];
foreach ($document['packages'] as $name => $versions) {
    $expanded = MetadataMinifier::expand($versions);
    $judged[$name] = ['given' => $versions, 'expanded' => $expanded, 'minified' => MetadataMinifier::minify($expanded)];
}
echo json_encode($judged, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION);
