<?php

declare(strict_types=1);

namespace Repertoire\Hello;

final class Greeting
{
    public function __construct(private readonly string $name = 'world')
    {
    }

    public function __toString(): string
    {
        return "Hello, {$this->name}. This package came from your own repository.";
    }
}
