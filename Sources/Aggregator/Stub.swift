import HeadwayCore
import HeadwayWire
import Redis
struct PipelineRegistry { var catalog = PipelineCatalog(); init(fields: RESPPairs) {} }
