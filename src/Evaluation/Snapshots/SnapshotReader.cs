using System.Globalization;
using System.Text.Json;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Reads snapshots, which people edit: what is wrong is said with its line.</summary>
internal sealed class SnapshotReader
{
    private readonly string path;

    private SnapshotReader(string path) => this.path = path;

    public static MetricsSnapshot Read(string json, string path) => new SnapshotReader(path).ReadFile(json);

    private MetricsSnapshot ReadFile(string json)
    {
        var lines = json.Split('\n');
        var conflict = Array.FindIndex(lines, l => l.StartsWith("<<<<<<< ", StringComparison.Ordinal));
        if (conflict >= 0)
        {
            throw QualityErrors.BadSnapshot(path, conflict + 1, "here begins a merge conflict that is not resolved");
        }

        PlacedJson root;
        try
        {
            root = PlacedJson.Parse(json.TrimStart('\uFEFF'));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            var line = (e as JsonException)?.LineNumber + 1 ?? 1;
            var why = e.Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw QualityErrors.BadSnapshot(path, (int)line, why, e);
        }

        var file = new Fields(this, root, "the file", ["format", "model", "measurements"]);
        var format = file.Integer("format");
        if (format != MetricsSnapshot.CurrentFormat)
        {
            throw QualityErrors.UnknownFormat(path, format);
        }

        var measurements = file.Required("measurements");
        Expect(measurements, JsonTokenType.StartArray, "'measurements' is a list");
        var read = new List<SnapshotMeasurement>();
        foreach (var item in measurements.Items)
        {
            var measurement = ReadMeasurement(item);
            if (
                read.Any(m =>
                    m.PairedImages == measurement.PairedImages && m.DistributionImages == measurement.DistributionImages
                )
            )
            {
                throw Bad(item, "there are two measurements of the same image counts");
            }

            read.Add(measurement);
        }

        return new() { Model = file.Text("model"), Measurements = read };
    }

    private SnapshotMeasurement ReadMeasurement(PlacedJson node)
    {
        var fields = new Fields(
            this,
            node,
            "a measurement",
            [
                "images",
                "measured",
                "float",
                "sampling",
                "extractor",
                "reference",
                "clip",
                "metrics",
                "layerTolerance",
                "layers",
                "weightTolerance",
                "weights",
                "withoutBlock",
            ]
        );
        var images = new Fields(this, fields.Required("images"), "'images'", ["paired", "distribution"]);
        var (paired, distribution) = ((int)images.Integer("paired"), (int)images.Integer("distribution"));
        var metrics = fields.Required("metrics");
        Expect(metrics, JsonTokenType.StartObject, "'metrics' is an object");
        Unique(metrics);
        var read = metrics.Members.ToDictionary(m => m.Name, m => ReadMetric(m.Name, m.Value, paired, distribution));
        if (fields.Find("withoutBlock") is { } blocks)
        {
            AddBlocks(read, blocks);
        }

        return new()
        {
            PairedImages = paired,
            DistributionImages = distribution,
            Provenance = ReadProvenance(fields.Required("measured")),
            Float = fields.Find("float") is { } model ? ReadModel(model) : null,
            Sampling = ReadSampling(fields.Required("sampling")),
            Extractor = fields.Find("extractor") is { } extractor ? ReadExtractor(extractor) : null,
            Reference = fields.Find("reference") is { } reference ? ReadReference(reference) : null,
            Clip = fields.Find("clip") is { } clip ? ReadClip(clip) : null,
            Metrics = [.. MetricCatalog.All.Select(d => read.GetValueOrDefault(d.Name)).OfType<SnapshotMetric>()],
            LayerTolerance = fields.Find("layerTolerance") is null
                ? SnapshotMeasurement.UsualLayerTolerance
                : fields.Number("layerTolerance"),
            Layers = fields.Find("layers") is { } layers ? ReadLayers(layers, "layers") : [],
            WeightTolerance = fields.Find("weightTolerance") is null
                ? SnapshotMeasurement.UsualWeightTolerance
                : fields.Number("weightTolerance"),
            Weights = fields.Find("weights") is { } weights ? ReadLayers(weights, "weights") : [],
        };
    }

    private SnapshotMetric ReadMetric(string name, PlacedJson node, int paired, int distribution)
    {
        if (!MetricCatalog.Contains(name))
        {
            throw Bad(node, $"there is no metric '{name}'{DidYouMean(name, MetricCatalog.All.Select(m => m.Name))}");
        }

        if (MetricCatalog.Find(name).Kind == MetricKind.Speed)
        {
            throw Bad(node, $"'{name}' depends on the machine and has no place in a snapshot; a limit can hold it");
        }

        var fields = new Fields(this, node, $"'{name}'", ["value", "tolerance", "standardError", "images"]);
        var images = fields.Find("images") is null
            ? UsualImages.Of(name, paired, distribution)
            : fields.Integer("images");
        var tolerance = fields.Required("tolerance");
        return new(
            name,
            fields.Number("value"),
            ReadTolerance(tolerance),
            fields.Find("standardError") is null ? null : fields.Number("standardError"),
            (int)images
        );
    }

    private void AddBlocks(Dictionary<string, SnapshotMetric> metrics, PlacedJson node)
    {
        Expect(node, JsonTokenType.StartObject, "'withoutBlock' is an object");
        Unique(node);
        foreach (var (name, values) in node.Members)
        {
            Expect(values, JsonTokenType.StartArray, $"'{name}' is a list of values");
            if (!metrics.TryGetValue(name, out var metric))
            {
                throw Bad(values, $"'withoutBlock' speaks of '{name}', which 'metrics' does not hold");
            }

            metrics[name] = metric with
            {
                WithoutBlock =
                [
                    .. values.Items.Select(v => ParseNumber(v) ?? throw Bad(v, $"'{name}' is a list of numbers")),
                ],
            };
        }
    }

    private Tolerance ReadTolerance(PlacedJson node)
    {
        Tolerance? tolerance = node.Type switch
        {
            JsonTokenType.String => Tolerance.ParseText(node.Text),
            JsonTokenType.Number when ParseNumber(node) is >= 0 and var amount && double.IsFinite(amount) => new(
                amount,
                false
            ),
            _ => null,
        };
        return tolerance
            ?? throw Bad(
                node,
                "a tolerance is a number that is not negative (0.5), a share of the value (\"3%\"), or \"any\""
            );
    }

    private SnapshotProvenance ReadProvenance(PlacedJson node)
    {
        var fields = new Fields(this, node, "'measured'", ["bits", "method", "device", "runtime", "tool"]);
        return new(
            fields.Text("tool"),
            fields.Text("runtime"),
            fields.Text("device"),
            fields.FindText("bits"),
            fields.FindText("method")
        );
    }

    private SnapshotModel ReadModel(PlacedJson node)
    {
        var fields = new Fields(this, node, "'float'", ["name", "sha256"]);
        return new(fields.Text("name"), fields.Text("sha256"));
    }

    private SamplingIdentity ReadSampling(PlacedJson node)
    {
        var fields = new Fields(
            this,
            node,
            "'sampling'",
            [
                "sampler",
                "steps",
                "timestepsSha256",
                "eta",
                "clipSample",
                "seed",
                "guidanceScale",
                "guidanceRescale",
                "conditioningSha256",
                "classLabels",
                "schedule",
                "denoiser",
                "decoder",
            ]
        );
        var seed = fields.Required("seed");
        return new(
            fields.Text("sampler"),
            (int)fields.Integer("steps"),
            fields.Text("timestepsSha256"),
            fields.Number("eta"),
            fields.FindBoolean("clipSample"),
            ulong.TryParse(seed.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw Bad(seed, "'seed' is a whole number from 0"),
            fields.Number("guidanceScale"),
            fields.FindText("conditioningSha256")
        )
        {
            GuidanceRescale = fields.Find("guidanceRescale") is null ? 0 : fields.Number("guidanceRescale"),
            ClassLabels = fields.FindText("classLabels"),
            Schedule = fields.Find("schedule") is { } schedule ? ReadSchedule(schedule) : null,
            Denoiser = fields.Find("denoiser") is { } denoiser ? ReadDenoiser(denoiser) : null,
            Decoder = fields.Find("decoder") is { } decoder ? ReadDecoder(decoder) : null,
        };
    }

    private ScheduleIdentity ReadSchedule(PlacedJson node)
    {
        var fields = new Fields(
            this,
            node,
            "'schedule'",
            ["prediction", "betas", "clipRange", "variance", "finalAlpha", "solver"]
        );
        return new(
            fields.Text("prediction"),
            fields.Text("betas"),
            fields.Text("clipRange"),
            fields.Text("variance"),
            fields.Text("finalAlpha"),
            fields.FindText("solver")
        );
    }

    private DenoiserIdentity ReadDenoiser(PlacedJson node)
    {
        var fields = new Fields(
            this,
            node,
            "'denoiser'",
            ["sample", "inputs", "timestepScale", "classes", "nullClass"]
        );
        return new(
            fields.Text("sample"),
            fields.Text("inputs"),
            fields.Number("timestepScale"),
            fields.Find("classes") is null ? null : (int)fields.Integer("classes"),
            fields.Find("nullClass") is null ? null : (int)fields.Integer("nullClass")
        );
    }

    private DecoderIdentity ReadDecoder(PlacedJson node)
    {
        var fields = new Fields(this, node, "'decoder'", ["sha256", "scalingFactor", "shiftFactor", "perChannel"]);
        return new(fields.Text("sha256"), fields.Number("scalingFactor"), fields.Number("shiftFactor"))
        {
            PerChannel = fields.FindText("perChannel"),
        };
    }

    private ExtractorIdentity ReadExtractor(PlacedJson node)
    {
        var fields = new Fields(this, node, "'extractor'", ["name", "sha256", "isStandardInception"]);
        return new(fields.Text("name"), fields.Text("sha256"), fields.FindBoolean("isStandardInception") ?? false);
    }

    private ClipIdentity ReadClip(PlacedJson node)
    {
        var fields = new Fields(this, node, "'clip'", ["name", "sha256"]);
        return new(fields.Text("name"), fields.Text("sha256"));
    }

    private ReferenceIdentity ReadReference(PlacedJson node)
    {
        var fields = new Fields(this, node, "'reference'", ["name", "sha256", "images"]);
        return new(fields.Text("name"), fields.Text("sha256"), fields.Integer("images", long.MaxValue));
    }

    private List<SnapshotLayer> ReadLayers(PlacedJson node, string name)
    {
        Expect(node, JsonTokenType.StartObject, $"'{name}' is an object");
        Unique(node);
        return
        [
            .. node.Members.Select(m => new SnapshotLayer(
                m.Name,
                ParseNumber(m.Value) ?? throw Bad(m.Value, $"'{m.Name}' is a number of decibels")
            )),
        ];
    }

    private void Expect(PlacedJson node, JsonTokenType type, string what)
    {
        if (node.Type != type)
        {
            throw Bad(node, what);
        }
    }

    private void Unique(PlacedJson node)
    {
        var twice = node.Members.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
        {
            throw Bad(twice.ElementAt(1).Value, $"'{twice.Key}' is there twice");
        }
    }

    private DiffusionQuantException Bad(PlacedJson node, string why) => QualityErrors.BadSnapshot(path, node.Line, why);

    private static string DidYouMean(string word, IEnumerable<string> known) =>
        NearMatch.Of(word, known) is { } meant ? $" (did you mean '{meant}'?)" : "";

    private static double? ParseNumber(PlacedJson node) =>
        node.Type is JsonTokenType.Number or JsonTokenType.String
        && (node.Type == JsonTokenType.Number || node.Text is "Infinity" or "-Infinity" or "NaN")
        && double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    /// <summary>An object's members by name; others than the known ones are refused, because they are misspelt.</summary>
    private sealed class Fields
    {
        private readonly SnapshotReader reader;
        private readonly PlacedJson node;
        private readonly string what;

        public Fields(SnapshotReader reader, PlacedJson node, string what, string[] known)
        {
            (this.reader, this.node, this.what) = (reader, node, what);
            reader.Expect(node, JsonTokenType.StartObject, $"{what} is an object");
            reader.Unique(node);
            foreach (var (name, value) in node.Members.Where(m => !known.Contains(m.Name)))
            {
                throw reader.Bad(value, $"{what} has no '{name}'{DidYouMean(name, known)}");
            }
        }

        public PlacedJson? Find(string name) =>
            node.Members.FirstOrDefault(m => m.Name == name).Value is { Type: not JsonTokenType.Null } value
                ? value
                : null;

        public PlacedJson Required(string name) => Find(name) ?? throw reader.Bad(node, $"{what} lacks '{name}'");

        public string Text(string name) => FindText(name) ?? throw reader.Bad(node, $"{what} lacks '{name}'");

        public string? FindText(string name) =>
            Find(name) is not { } value ? null
            : value.Type == JsonTokenType.String ? value.Text
            : throw reader.Bad(value, $"'{name}' is a text");

        public bool? FindBoolean(string name) =>
            Find(name)?.Type switch
            {
                null => null,
                JsonTokenType.True => true,
                JsonTokenType.False => false,
                _ => throw reader.Bad(Find(name)!, $"'{name}' is true or false"),
            };

        public double Number(string name) =>
            ParseNumber(Required(name)) ?? throw reader.Bad(Required(name), $"'{name}' is a number");

        public long Integer(string name, long most = int.MaxValue) =>
            long.TryParse(Required(name).Text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value <= most
                ? value
                : throw reader.Bad(Required(name), $"'{name}' is a whole number from 0");
    }
}
