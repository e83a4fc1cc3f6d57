"""What a schema says about the form of a value."""

from seawall.layers.validation.shape import ALL_TYPES, compile_shape, fold


def test_names_differ_in_case_and_separators_only() -> None:
    assert fold("Due_Date") == fold("due-date") == fold(" dueDate ") == "duedate"
    assert fold("due") != fold("dues")


def test_types_integers_and_choices_are_read() -> None:
    shape = compile_shape({"type": ["integer", "null"], "enum": [1, None]})
    assert shape.types == {"number", "null"}
    assert shape.integer
    assert shape.choices == (1, None)
    assert compile_shape({"const": 0}).choices == (0,)
    assert not compile_shape({"type": ["integer", "number"]}).integer


def test_a_schema_that_refers_to_itself_makes_a_circle_of_shapes() -> None:
    shape = compile_shape({"properties": {"next": {"$ref": "#"}}})
    assert shape.properties["next"].also == (shape,)


def test_references_are_resolved_by_pointer_with_its_escapes() -> None:
    shape = compile_shape({"$defs": {"a/b~c d": {"type": "null"}}, "$ref": "#/$defs/a~1b~0c%20d"})
    assert shape.also[0].types == {"null"}
    listed = compile_shape({"anyOf": [{"type": "null"}], "items": {"$ref": "#/anyOf/0"}})
    assert listed.items is not None
    assert listed.items.also[0].types == {"null"}


def test_references_that_cannot_be_followed_say_nothing() -> None:
    for reference in ("#/none", "#anchor", "other.json", "#/anyOf/7", 5):
        assert compile_shape({"$ref": reference, "anyOf": []}).also == ()


def test_a_folded_name_that_two_properties_share_is_no_name() -> None:
    shape = compile_shape({"properties": {"a_b": {}, "aB": {}, "Other": {}}})
    assert shape.folded == {"other": "Other"}


def test_properties_lists_and_alternatives_are_read() -> None:
    shape = compile_shape(
        {
            "properties": {"a": True},
            "required": ["a"],
            "additionalProperties": {"type": "string"},
            "patternProperties": {"^x": {"type": "number"}},
            "prefixItems": [{"type": "null"}],
            "items": {"type": "string"},
            "allOf": [{"properties": {"b": {}}}],
            "anyOf": [{}, {}],
            "oneOf": [{}],
        }
    )
    assert shape.properties["a"].types == ALL_TYPES
    assert not isinstance(shape.extra, bool)
    assert shape.extra.types == {"string"}
    assert shape.patterns
    assert shape.prefix[0].types == {"null"}
    assert [len(group) for group in shape.alternatives] == [2, 1]
    assert shape.names("a")
    assert shape.names("b")
    assert not shape.names("c")


def test_the_older_form_of_tuples_is_read() -> None:
    shape = compile_shape({"items": [{"type": "null"}], "additionalItems": {"type": "string"}})
    assert shape.prefix[0].types == {"null"}
    assert shape.items is not None
    assert shape.items.types == {"string"}
